"""The only Definitions: every recipe's assets, checks, jobs, schedule and sensor, side by side."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from assets.graph.artifact import Graph
from assets.orchestration.dagster_assets import asset_key, dagster_asset, dagster_checks, partitions_definition
from assets.orchestration.engine_cells import Blueprint
from pipelines.daemon.automation import refresh_job, refresh_schedule, source_sensor
from pipelines.planning.planner import observe_sources
from pipelines.recipe.graph import build_graph
from pipelines.recipe.schema import Recipe, load_recipe
from pipelines.settings import find_engine, find_home, find_recipes
from resources.storage.home import Home
from resources.storage.lake import Lake


class Deployment(NamedTuple):
    """Recipes loaded together into one home."""

    home: Home
    lake: Lake
    recipes: dict[str, Recipe]
    graphs: dict[str, Graph]


def load_deployment(paths: list[Path], home: Home) -> Deployment:
    """Load recipes and build their graphs.

    Raises:
        RecipeError: a recipe is not valid, or two have one name.
    """
    recipes: dict[str, Recipe] = {}
    for path in paths:
        recipe = load_recipe(path)
        if recipe.name in recipes:
            raise ValueError(f"{path}: the name {recipe.name!r} is taken by {recipes[recipe.name].path}; rename one of them")
        recipes[recipe.name] = recipe
    return Deployment(home, home.lake(), recipes, {name: build_graph(recipe, home) for name, recipe in recipes.items()})


def materialize_job_name(recipe: str) -> str:
    """Return the name of the job that can make any asset of a recipe."""
    return f"{recipe}_materialize"


def _observable(graph: Graph, name: str, partitioned: bool) -> dg.SourceAsset:
    """Return a source as Dagster sees it: observed, never made."""
    kind = "sources" if partitioned else "inputs"

    @dg.observable_source_asset(
        key=asset_key(graph.recipe, f"{kind}/{name}"),
        group_name=f"{graph.recipe}_sources",
        partitions_def=partitions_definition(graph.recipe) if partitioned else None,
        description=f"Files of `{name}`, observed by size and modification time, then by content. New files make new partitions."
        if partitioned
        else f"The file behind `{name}`, observed by size and modification time, then by content.",
        tags={"modelmill/recipe": graph.recipe, "dagster/kind/file": ""},
    )
    def body(lake: dg.ResourceParam[Lake]) -> dg.DataVersion | dg.DataVersionsByPartition:
        registry = observe_sources(graph, lake)
        if not partitioned:
            return dg.DataVersion(registry.inputs[name].content)
        return dg.DataVersionsByPartition({p.key: p.content for p in registry.active() if p.source == name})

    return body


def _recipe_parts(deployment: Deployment, graph: Graph) -> Iterator[dg.Definitions]:
    recipe = deployment.recipes[graph.recipe]
    blueprint = Blueprint("pipelines.planning.cell_worker:open_recipe", str(recipe.path))
    assets = [dagster_asset(graph, artifact, blueprint) for artifact in graph.artifacts.values()]
    sources = [_observable(graph, name, True) for name in graph.sources] + [_observable(graph, name, False) for name in graph.inputs]
    checks = [dagster_checks(graph, suite) for suites in graph.suites.values() for suite in suites]
    materialize = dg.define_asset_job(
        materialize_job_name(graph.recipe),
        selection=dg.AssetSelection.assets(*(asset_key(graph.recipe, name) for name in graph.artifacts)),
        description=f"Makes chosen assets of {graph.recipe}; `mill up` runs its waves with it.",
        executor_def=dg.in_process_executor,
    )
    refresh = refresh_job(graph)
    schedules = recipe.entries.schedules
    yield dg.Definitions(
        assets=[*sources, *assets],
        asset_checks=checks,
        jobs=[materialize, refresh],
        schedules=[refresh_schedule(graph, refresh, schedules.refresh)],
        sensors=[source_sensor(graph, refresh, schedules.watch_seconds)],
    )


def build_definitions(deployment: Deployment) -> dg.Definitions:
    """Return everything that Dagster shows and runs. Data cells are made by the engine that the environment names."""
    parts = [part for graph in deployment.graphs.values() for part in _recipe_parts(deployment, graph)]
    resources = {"lake": deployment.lake, "home": deployment.home, "engine": find_engine(os.environ)}
    return dg.Definitions.merge(*parts, dg.Definitions(resources=resources, executor=dg.in_process_executor))


def load() -> dg.Definitions:
    """Return the definitions of the recipes in force (``MILL_RECIPES``, else those shipped)."""
    paths = find_recipes(os.environ)
    return build_definitions(load_deployment(paths, find_home(paths, os.environ)))


defs = load()
