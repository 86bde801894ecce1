"""The jobs that make any cells of a recipe: its assets, the files they start from, and their checks, as Dagster definitions.

A Dagster job has one way of being partitioned: so there is one job for the corpus and for all that has no partitions, and one more for each
other partitioning (the evals of models).
"""

import os
from pathlib import Path

import dagster as dg

from assets.graph.artifact import SHARDS, Graph
from assets.orchestration.assets import dagster_asset
from assets.orchestration.checks import dagster_checks
from assets.orchestration.keys import asset_key, partitions_definition
from assets.orchestration.run_cells import Blueprint
from pipelines.planning.planner import observe_sources
from pipelines.settings import find_engine, find_inference
from resources.storage.home import Home
from resources.storage.lake import Lake

OPENER = "pipelines.planning.cell_worker:open_recipe"


def job_name(recipe: str, partitioning: str = SHARDS.name) -> str:
    """Return the name of the job that makes the assets of a partitioning; that of the corpus makes those without partitions too."""
    return f"{recipe}_materialize" if partitioning == SHARDS.name else f"{recipe}_materialize_{partitioning}"


def assets_by_job(graph: Graph) -> dict[str, list[str]]:
    """Return which assets each job makes."""
    found: dict[str, list[str]] = {}
    for artifact in graph.artifacts.values():
        partitioning = artifact.partitioning or SHARDS
        found.setdefault(job_name(graph.recipe, partitioning.name), []).append(artifact.name)
    return found


def recipe_definitions(graph: Graph, recipe_file: Path) -> dg.Definitions:
    """Return assets, observable files, checks and the jobs that make them, without resources."""
    blueprint = Blueprint(OPENER, str(recipe_file))
    jobs = [
        dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*(asset_key(graph.recipe, asset) for asset in assets)),
            description=f"Makes chosen assets of {graph.recipe}; `mill up` runs its waves with it.",
            executor_def=dg.in_process_executor,
        )
        for name, assets in assets_by_job(graph).items()
    ]
    return dg.Definitions(
        assets=[
            *(_observable(graph, name, True) for name in graph.sources),
            *(_observable(graph, name, False) for name in graph.inputs),
            *(dagster_asset(graph, artifact, blueprint) for artifact in graph.artifacts.values()),
        ],
        asset_checks=[dagster_checks(graph, suite) for suites in graph.suites.values() for suite in suites],
        jobs=jobs,
    )


def resource_definitions(home: Home, lake: Lake) -> dg.Definitions:
    """Return what assets run with. Data cells are made by the engine, and evals answered by the back end, that the environment names."""
    resources = {"lake": lake, "home": home, "engine": find_engine(os.environ), "inference": find_inference(os.environ)}
    return dg.Definitions(resources=resources, executor=dg.in_process_executor)


def materialize_jobs(graph: Graph, recipe_file: Path, home: Home, lake: Lake) -> dict[str, dg.JobDefinition]:
    """Return the job that makes each asset of a recipe, by asset, whatever other recipes there are."""
    definitions = dg.Definitions.merge(recipe_definitions(graph, recipe_file), resource_definitions(home, lake))
    return {asset: definitions.resolve_job_def(name) for name, assets in assets_by_job(graph).items() for asset in assets}


def _observable(graph: Graph, name: str, partitioned: bool) -> dg.SourceAsset:
    """Return files as Dagster sees them: observed, never made."""
    kind = "sources" if partitioned else "inputs"

    @dg.observable_source_asset(
        key=asset_key(graph.recipe, f"{kind}/{name}"),
        group_name=f"{graph.recipe}_sources",
        partitions_def=partitions_definition(graph.recipe, SHARDS) if partitioned else None,
        description=f"Files of `{name}`, observed by size and modification time, then by content. New files make new partitions."
        if partitioned
        else f"The file behind `{name}`, observed by size and modification time, then by content.",
        tags={"modelmill/recipe": graph.recipe, "dagster/kind/file": ""},
    )
    def body(lake: dg.ResourceParam[Lake]) -> dg.DataVersion | dg.DataVersionsByPartition:
        observed = observe_sources(graph, lake)
        if not partitioned:
            return dg.DataVersion(observed.inputs[name].content)
        return dg.DataVersionsByPartition({partition.key: partition.content for partition in observed.active if partition.source == name})

    return body
