"""Artifacts and check suites as Dagster sees them: assets, checks, events.

A data wave is one run without a partition that names its cells in the op's config and logs one materialization a cell. A run started
from the UI for one partition or a range makes those cells. Either way a cell whose fingerprint stands is left alone, unless the
run's config says ``force``.
"""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from assets.graph.artifact import Artifact, Check, CheckSuite, Graph, markdown_table
from assets.orchestration.cells import Site, make_cells
from assets.orchestration.engine_cells import Blueprint
from resources.engines.engine import Engine
from resources.storage.home import Home
from resources.storage.lake import Cell, Lake, Manifest
from resources.storage.progress import Progress, tell
from resources.storage.sources import load_registry

MAX_CHECK_METADATA_CHARS = 3500


class CellsConfig(dg.Config):
    """Which cells a run makes."""

    partitions: list[str] = Field(default=[])
    """Partitions to make in one run; empty: the run's own partition or range."""
    force: bool = False
    """Make them again though nothing they come from has changed."""


def asset_key(recipe: str, name: str) -> dg.AssetKey:
    """Return the Dagster key of an asset."""
    return dg.AssetKey([recipe, *name.split("/")])


def partitions_definition(recipe: str) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of a recipe's corpus: one key a shard group."""
    return dg.DynamicPartitionsDefinition(name=f"{recipe}_shards")


def event_metadata(lake: Lake, manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as the metadata of an event: counts, cost, sample, plots."""
    cell = Cell(manifest.recipe, manifest.asset, manifest.partition)
    shown: dict[str, Any] = {
        "size_bytes": manifest.size_bytes,
        "seconds": manifest.seconds,
        "fingerprint": manifest.fingerprint,
        "content": manifest.content,
        "folder": dg.MetadataValue.path(str(lake.folder(cell)) if lake.is_local else lake.root),
        "made_from": dg.MetadataValue.md(markdown_table([parent.model_dump() for parent in manifest.parents[:20]])),
    }
    if manifest.num_rows is not None:
        shown["dagster/row_count"] = manifest.num_rows
    for name, value in manifest.metadata.items():
        if isinstance(value, dict) and "markdown" in value:
            shown[name] = dg.MetadataValue.md(value["markdown"])
        elif isinstance(value, dict) and "png" in value:
            image = base64.b64encode((lake.folder(cell) / value["png"]).read_bytes()).decode()
            shown[name] = dg.MetadataValue.md(f"![{name}](data:image/png;base64,{image})")
        elif isinstance(value, dict) and "url" in value:
            shown[name] = dg.MetadataValue.url(value["url"])
        else:
            shown[name] = value
    return shown


def dagster_asset(graph: Graph, artifact: Artifact, blueprint: Blueprint) -> dg.AssetsDefinition:
    """Return one artifact as a Dagster asset. Engines' workers build the graph from the blueprint."""
    hours: int | None = artifact.metadata.get("stale_after_hours")
    columns = artifact.schema and dg.TableSchema(
        columns=[
            dg.TableColumn(field.name, str(field.type), description=(field.metadata or {}).get(b"description", b"").decode() or None)
            for field in artifact.schema
        ]
    )

    @dg.asset(
        key=asset_key(artifact.recipe, artifact.name),
        deps=[asset_key(artifact.recipe, name) for name in artifact.upstream],
        description=artifact.description,
        group_name=f"{artifact.recipe}_{artifact.group}",
        kinds=set(artifact.kinds),
        owners=[artifact.metadata["owner"]] if artifact.metadata.get("owner") else None,
        code_version=artifact.code_version,
        partitions_def=partitions_definition(artifact.recipe) if artifact.partitioned else None,
        backfill_policy=dg.BackfillPolicy.single_run() if artifact.partitioned else None,
        output_required=not artifact.partitioned,
        pool=artifact.pool,
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=hours)) if hours else None,
        metadata={"dagster/column_schema": columns} if columns else None,
        tags={"modelmill/recipe": artifact.recipe},
        retry_policy=dg.RetryPolicy(max_retries=1) if artifact.uses_gpu else None,
    )
    def body(
        context: dg.AssetExecutionContext,
        config: CellsConfig,
        lake: dg.ResourceParam[Lake],
        home: dg.ResourceParam[Home],
        engine: dg.ResourceParam[Engine],
    ) -> Iterator[dg.MaterializeResult]:
        wanted = _wanted(context, artifact, config)
        made = make_cells(context, artifact, wanted, config.force, Site(lake, home, engine, blueprint))
        if not artifact.partitioned or (context.has_partition_key and not config.partitions):
            ((_, manifest),) = made.items()
            yield dg.MaterializeResult(metadata=event_metadata(lake, manifest), data_version=dg.DataVersion(manifest.content))
            return
        if not config.partitions:  # a range chosen in the UI: assets further down in the same run are skipped unless there is an output
            yield dg.MaterializeResult()
        for partition, manifest in made.items():
            context.log_event(
                dg.AssetMaterialization(
                    asset_key=context.asset_key,
                    partition=partition,
                    metadata=event_metadata(lake, manifest),
                    tags={"dagster/data_version": manifest.content, "dagster/code_version": manifest.code_version},
                )
            )

    return body


def _wanted(context: dg.AssetExecutionContext, artifact: Artifact, config: CellsConfig) -> list[str | None]:
    """Return the partitions that a run is to make, in order of arrival where the run gives a range."""
    if not artifact.partitioned:
        return [None]
    if config.partitions:
        return list(config.partitions)
    if context.has_partition_key or context.has_partition_key_range:
        return list(context.partition_keys)
    raise dg.Failure(f"{artifact.name}: this run names no partition; choose partitions in the launch dialog or give them in the op's config")


def dagster_checks(graph: Graph, suite: CheckSuite) -> dg.AssetChecksDefinition:
    """Return one suite as one multi-asset check; it judges the cells whose present content has no verdict yet."""
    key = asset_key(graph.recipe, suite.asset)

    @dg.multi_asset_check(
        name=f"{graph.recipe}__{suite.name}",
        specs=[dg.AssetCheckSpec(check.name, asset=key, description=check.description, blocking=check.blocking) for check in suite.checks],
        description=f"Judges every cell of {suite.asset} whose content has not been judged yet.",
    )
    def body(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake], home: dg.ResourceParam[Home]) -> Iterator[dg.AssetCheckResult]:
        artifact = graph.artifacts[suite.asset]
        cells = [artifact.cell(partition) for partition in artifact.partitions(load_registry(lake, graph.recipe))]
        cells = [cell for cell in cells if lake.manifest(cell) is not None]
        waiting = [cell for cell in cells if suite.unanswered(lake, cell)]
        for cell, verdicts in (suite.evaluate(lake, home, waiting) if waiting else {}).items():
            lake.record_verdicts(cell, verdicts)
            blocked = [f"{name}: {verdict.description}" for name, verdict in verdicts.items() if verdict.blocking and not verdict.passed]
            tell(Progress(cell, "blocked" if blocked else "passed", "; ".join(blocked)))
            for message in blocked:
                context.log.error(f"{cell}: {message}")
        for check in suite.checks:
            yield _check_result(lake, home, key, check, cells, {cell.partition for cell in waiting})

    return body


def _check_result(lake: Lake, home: Home, key: dg.AssetKey, check: Check, cells: list[Cell], judged_now: set[str | None]) -> dg.AssetCheckResult:
    """Return the state of one check over all cells of an asset, the failing ones first."""
    verdicts = {cell: lake.verdicts(cell).get(check.name) for cell in cells}
    failing = {cell: verdict for cell, verdict in verdicts.items() if verdict is not None and not verdict.passed}
    rows = [{"cell": str(cell), "finding": verdict.description} for cell, verdict in failing.items()]
    metadata: dict[str, Any] = {"num_cells": len(cells), "num_failing": len(failing), "num_judged_now": len(judged_now)}
    if key.path[1] in ("corpus", "tokens"):
        metadata["data_docs"] = dg.MetadataValue.url(home.docs_url)
    if rows:
        metadata["failing"] = dg.MetadataValue.md(markdown_table(rows)[:MAX_CHECK_METADATA_CHARS])
    elif len(cells) == 1 and (only := verdicts[cells[0]]) is not None:
        metadata |= {name: value for name, value in only.metadata.items() if isinstance(value, int | float | str)}
    first = next(iter(failing.values())).description if failing else f"{len(cells)} cells pass"
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=check.name,
        passed=not failing,
        severity=dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN,
        description=first[:MAX_CHECK_METADATA_CHARS],
        metadata=metadata,
    )
