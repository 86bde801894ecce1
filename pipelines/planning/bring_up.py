"""Bringing a recipe up to date: observe, plan, run, plan again, until nothing is stale. Used by ``mill up``, the job and so the sensor."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.graph.artifact import Graph
from assets.orchestration.dagster_assets import asset_key, partitions_definition
from pipelines.planning.planner import CellPlan, Plan, Wave, next_wave, observe_sources, plan
from resources.storage.home import Home
from resources.storage.lake import Cell, Lake
from resources.storage.progress import Progress, listening
from resources.storage.sources import Registry, load_registry

PID_TAG = "modelmill/pid"
UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]


class Result(NamedTuple):
    """What bringing up to date came to."""

    made: list[Cell]
    failed: dict[Cell, str]
    left: list[CellPlan]
    """Cells that are not as they should be: failed, blocked by a check, or held by one above them."""
    num_runs: int


def mirror_sources(graph: Graph, before: Registry, now: Registry, instance: dg.DagsterInstance) -> None:
    """Tell Dagster of partitions that came or went, and of sources whose content changed."""
    definition = partitions_definition(graph.recipe)
    name = str(definition.name)
    active = {partition.key: partition for partition in now.active()}
    known = set(instance.get_dynamic_partitions(name))
    instance.add_dynamic_partitions(name, [key for key in active if key not in known])
    for key in known - set(active):
        instance.delete_dynamic_partition(name, key)
    seen = {partition.key: partition.content for partition in before.active()}
    for partition in active.values():
        if seen.get(partition.key) != partition.content:
            _observe(instance, graph.recipe, f"sources/{partition.source}", partition.key, partition.content, len(partition.files))
    for name, observed in now.inputs.items():
        if before.inputs.get(name) != observed:
            _observe(instance, graph.recipe, f"inputs/{name}", None, observed.content, len(observed.files))


def _observe(instance: dg.DagsterInstance, recipe: str, asset: str, partition: str | None, content: str, num_files: int) -> None:
    instance.report_runless_asset_event(
        dg.AssetObservation(
            asset_key=asset_key(recipe, asset),
            partition=partition,
            metadata={"num_files": num_files},
            tags={"dagster/data_version": content},
        )
    )


def end_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone, free their pool slots, and return their ids."""
    ended: list[str] = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        pid = run.tags.get(PID_TAG)
        if pid is None or _is_alive(int(pid)):
            continue
        instance.report_run_failed(run, message=f"the process {pid} that ran this is gone; mill up goes on where it stopped")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        ended.append(run.run_id)
    return ended


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def bring_up(
    graph: Graph, job: dg.JobDefinition, instance: dg.DagsterInstance, lake: Lake, home: Home, selected: set[str], cells: set[Cell] | None = None
) -> Result:
    """Make what is stale among the selected assets, and only that.

    ``cells`` narrows the work further to some partitions.

    Raises:
        resources.storage.home.Busy: another process is bringing this home up to date.
    """
    made: list[Cell] = []
    failed: dict[Cell, str] = {}
    judged: set[Cell] = set()

    def listen(progress: Progress) -> None:
        if progress.kind == "made":
            made.append(progress.cell)
        elif progress.kind == "failed":
            failed[progress.cell] = progress.message

    num_runs = 0
    with home.lock("up"), listening(listen):
        lake.sweep()
        end_orphans(instance)
        while True:
            before = load_registry(lake, graph.recipe)
            registry = observe_sources(graph, lake)
            mirror_sources(graph, before if num_runs or before != registry else Registry(), registry, instance)
            planned = plan(graph, lake, registry)
            tried = set(made) | set(failed)
            wave = next_wave(graph, _narrow(planned, cells), selected, tried, judged)
            if wave is None:
                left = [p for p in planned.cells if p.state != "fresh" and p.cell.asset in selected]
                return Result(made, failed, left, num_runs)
            asked = [cell for group in wave.cells.values() for cell in group]
            outcome = run_wave(graph, job, instance, wave)
            num_runs += 1
            judged.update(p.cell for p in planned.having("unjudged") if p.cell.asset in wave.judge)
            for cell in asked:
                if cell not in made and cell not in failed:
                    failed[cell] = _complaint(outcome)


def _complaint(outcome: dg.ExecuteInProcessResult) -> str:
    """Return why a run ended before its cells did."""
    for event in outcome.all_events:
        error = getattr(event.event_specific_data, "error", None)
        if error is not None:
            cause = error.cause or error
            return f"run {outcome.run_id[:8]}: {cause.message.strip()}"
    return f"run {outcome.run_id[:8]} ended without making it; see its log"


def _narrow(planned: Plan, cells: set[Cell] | None) -> Plan:
    return planned if cells is None else Plan([p for p in planned.cells if p.cell in cells])


def run_wave(graph: Graph, job: dg.JobDefinition, instance: dg.DagsterInstance, wave: Wave) -> dg.ExecuteInProcessResult:
    """Run one wave in this process as one Dagster run."""
    ops: dict[str, Any] = {}
    for asset, cells in wave.cells.items():
        partitions = [cell.partition for cell in cells if cell.partition is not None]
        ops["__".join(asset_key(graph.recipe, asset).path)] = {"config": {"partitions": partitions}}
    checks = {
        dg.AssetCheckKey(asset_key(graph.recipe, asset), check.name)
        for asset in wave.judge
        for suite in graph.suites.get(asset, [])
        for check in suite.checks
    }
    assets = {asset_key(graph.recipe, asset) for asset in wave.cells}
    return job.get_subset(asset_selection=assets, asset_check_selection=checks).execute_in_process(
        instance=instance,
        run_config={"ops": ops, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        tags={PID_TAG: str(os.getpid()), "modelmill/wave": _title(wave), **_range_tags(graph, instance, wave)},
        raise_on_error=False,
    )


def _range_tags(graph: Graph, instance: dg.DagsterInstance, wave: Wave) -> dict[str, str]:
    """Return the tags of a run over partitions: Dagster asks for a range, the ops' config names those within it that are made."""
    wanted = {cell.partition for cells in wave.cells.values() for cell in cells}
    inside = [key for key in instance.get_dynamic_partitions(str(partitions_definition(graph.recipe).name)) if key in wanted]
    return {ASSET_PARTITION_RANGE_START_TAG: inside[0], ASSET_PARTITION_RANGE_END_TAG: inside[-1]} if inside else {}


def _title(wave: Wave) -> str:
    """Return what a run does, for the list of runs."""
    parts: Sequence[str] = [f"{asset} x {len(cells)}" for asset, cells in wave.cells.items()] or [f"checks of {asset}" for asset in wave.judge]
    return ", ".join(parts)[:200]
