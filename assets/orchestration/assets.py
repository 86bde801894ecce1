"""Artifacts as Dagster sees them: assets that make cells and log an event a cell.

A data wave is one run without a partition that names its cells in the op's config and logs one materialization a cell. A run started
from the UI for one partition or a range makes those cells. Either way a cell whose fingerprint stands is left alone, unless the
run's config says ``force``.
"""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from pydantic import Field

from assets.graph.artifact import Artifact, Graph
from assets.graph.state import GraphState
from assets.orchestration.cells import make_cells, stale_ones
from assets.orchestration.events import event_metadata
from assets.orchestration.keys import asset_key, declared_version, partitions_definition
from assets.orchestration.mirror import EventLog, event_tags
from assets.orchestration.run_cells import Blueprint, RunSettings
from resources.devices.inference import Inference
from resources.engines.engine import Engine
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.sources import load_sources

TRAINING_POOL = "training"
NO_EVENT = dg.MaterializeResult(metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True})
"""The output of a step whose cells have events of their own, or that made none: what hangs on it is skipped without an output, and Dagster logs no
event for one that is marked so (dagster/_core/execution/plan/execute_step.py)."""


class CellsConfig(dg.Config):
    """Which cells a run makes."""

    partitions: list[str] = Field(default=[])
    """Partitions to make in one run; empty: the run's own partition or range."""
    force: bool = False
    """Make them again though nothing they come from has changed."""
    stale_only: bool = False
    """Make those that are stale when their turn comes and leave the others alone: the planner comes back to them."""


def dagster_asset(graph: Graph, artifact: Artifact, blueprint: Blueprint) -> dg.AssetsDefinition:
    """Return one artifact as a Dagster asset. Engines' workers build the graph from the blueprint."""
    hours, partitioned = artifact.stale_after_hours, artifact.partitioning is not None

    @dg.asset(
        key=asset_key(artifact.recipe, artifact.name),
        deps=[asset_key(artifact.recipe, name) for name in artifact.upstream],
        description=artifact.description,
        group_name=f"{artifact.recipe}_{artifact.group}",
        kinds=set(artifact.kinds),
        owners=[artifact.owner] if artifact.owner else None,
        code_version=declared_version(graph, artifact),
        partitions_def=partitions_definition(artifact.recipe, artifact.partitioning) if artifact.partitioning else None,
        backfill_policy=dg.BackfillPolicy.single_run() if partitioned else None,
        output_required=not partitioned,
        pool=TRAINING_POOL if artifact.uses_gpu else None,
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=hours)) if hours else None,
        metadata=_columns(artifact),
        tags={"modelmill/recipe": artifact.recipe},
        retry_policy=dg.RetryPolicy(max_retries=1) if artifact.uses_gpu else None,
    )
    def body(
        context: dg.AssetExecutionContext,
        config: CellsConfig,
        lake: dg.ResourceParam[Lake],
        home: dg.ResourceParam[Home],
        engine: dg.ResourceParam[Engine],
        inference: dg.ResourceParam[Inference],
    ) -> Iterator[dg.MaterializeResult]:
        settings = RunSettings(graph, lake, home, engine, blueprint, inference)
        wanted = _wanted(context, artifact, config)
        if config.stale_only:
            wanted = stale_ones(artifact, wanted, settings)
        made = make_cells(context, artifact, wanted, config.force, settings)
        one_output = (not partitioned and bool(made)) or (context.has_partition_key and not config.partitions)
        if not one_output:
            yield NO_EVENT
        if not made:
            return
        log, state = EventLog(context.instance, graph), GraphState(graph, lake, load_sources(lake, graph.recipe))
        for partition, manifest in made.items():
            metadata, tags = event_metadata(lake, manifest), event_tags(log, state, artifact, manifest)
            if one_output:
                yield dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(manifest.content), tags=tags)
            else:
                context.log_event(dg.AssetMaterialization(asset_key=context.asset_key, partition=partition, metadata=metadata, tags=tags))

    return body


def _columns(artifact: Artifact) -> dict[str, dg.TableSchema] | None:
    """Return the columns of an artifact's main table as metadata, where it declares any."""
    if artifact.schema is None:
        return None
    columns = [
        dg.TableColumn(field.name, str(field.type), description=(field.metadata or {}).get(b"description", b"").decode() or None)
        for field in artifact.schema
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def _wanted(context: dg.AssetExecutionContext, artifact: Artifact, config: CellsConfig) -> list[str | None]:
    """Return the partitions that a run is to make, in order of arrival where the run gives a range."""
    if artifact.partitioning is None:
        return [None]
    if config.partitions:
        return list(config.partitions)
    if context.has_partition_key or context.has_partition_key_range:
        return list(context.partition_keys)
    raise dg.Failure(f"{artifact.name}: this run names no partition; choose partitions in the launch dialog or give them in the op's config")
