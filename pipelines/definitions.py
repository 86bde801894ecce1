"""The only Definitions: every recipe's assets, checks, jobs, schedule and sensor, side by side. A recipe that is broken stops only itself."""

import logging
import os
from pathlib import Path

import dagster as dg

from assets.graph.metadata import markdown_words
from pipelines.daemon.automation import refresh_job, refresh_schedule, source_sensor
from pipelines.planning.materialize import recipe_definitions, resource_definitions
from pipelines.recipe.graph import build_graph
from pipelines.recipe.schema import load_recipe
from pipelines.settings import find_home, find_recipes
from resources.storage.home import Home

BROKEN_GROUP = "broken_recipes"


def build_definitions(paths: list[Path], home: Home) -> dg.Definitions:
    """Return everything that Dagster shows and runs. A recipe that does not load is shown as an asset that says why."""
    parts: list[dg.Definitions] = []
    taken: dict[str, Path] = {}
    for path in paths:
        try:
            recipe = load_recipe(path)
            if recipe.name in taken:
                raise ValueError(f"{path}: the name {recipe.name!r} is taken by {taken[recipe.name]}; rename one of them")
            parts.append(_recipe(path, home))
            taken[recipe.name] = path
        except (ValueError, OSError) as error:
            logging.getLogger("modelmill").error("%s", error)
            parts.append(_broken(path, error))
    return dg.Definitions.merge(*parts, resource_definitions(home, home.lake()))


def _recipe(path: Path, home: Home) -> dg.Definitions:
    recipe = load_recipe(path)
    graph, schedules = build_graph(recipe, home), recipe.entries.schedules
    refresh = refresh_job(recipe.name, recipe.path)
    running = dg.Definitions(
        jobs=[refresh],
        schedules=[refresh_schedule(recipe.name, refresh, schedules.refresh)],
        sensors=[source_sensor(recipe.name, recipe.path, refresh, schedules.watch_seconds)],
    )
    return dg.Definitions.merge(recipe_definitions(graph, recipe.path), running)


def _broken(path: Path, error: Exception) -> dg.Definitions:
    """Return what is shown instead of a recipe that does not load."""
    key = dg.AssetKey([BROKEN_GROUP, "".join(letter if letter.isalnum() else "_" for letter in path.stem)])
    return dg.Definitions(assets=[dg.AssetSpec(key, description=markdown_words(error), group_name=BROKEN_GROUP, metadata={"file": str(path)})])


def load() -> dg.Definitions:
    """Return the definitions of the recipes in force (``MILL_RECIPES``, else those shipped)."""
    paths = find_recipes(os.environ)
    return build_definitions(paths, find_home(paths, os.environ))


defs = load()
