"""Bringing a recipe up to date: observe, plan, run, plan again, until nothing is stale. Used by ``mill up``, the job and so the sensor."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.graph.artifact import Graph
from assets.graph.state import CellStatus, GraphState
from assets.orchestration.keys import asset_key, partitionings, partitions_name
from assets.orchestration.mirror import EventLog, restamp
from assets.orchestration.waiver_events import mirror_waivers
from pipelines.planning.planner import Plan, Wave, next_wave, observe_sources, with_what_follows
from pipelines.planning.runs import Outcome, end_orphans, run_in_process
from resources.quality.data_docs import begin_pages, pages_at_the_end
from resources.storage.faults import FULL
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from resources.storage.progress import Progress, listening
from resources.storage.publishing import sweep
from resources.storage.sources import ObservedSources
from resources.storage.versions import old_versions, remove_version

MIRROR_FILE = "mirror.json"
WAIVERS_FILE = "waivers.json"


class Result(NamedTuple):
    """What bringing up to date came to."""

    made: list[Cell]
    failed: dict[Cell, str]
    left: list[CellStatus]
    """Cells that are not as they should be: failed, blocked by a check, or held by one above them. What the recipe quarantines is as it should be."""
    num_runs: int


def mirror_sources(graph: Graph, now: ObservedSources, instance: dg.DagsterInstance) -> None:
    """Tell Dagster of partitions that came or went, and of sources whose content is another than its log says."""
    for partitioning in partitionings(graph).values():
        name = partitions_name(graph.recipe, partitioning)
        active, known = list(partitioning.keys(now)), set(instance.get_dynamic_partitions(name))
        instance.add_dynamic_partitions(name, [key for key in active if key not in known])
        for key in known - set(active):
            instance.delete_dynamic_partition(name, key)
    log = EventLog(instance, graph)
    for partition in now.active:
        asset = f"sources/{partition.source}"
        seen = log.partitions(asset).get(partition.key)
        if seen is None or seen.content != partition.content:
            _observe(instance, graph.recipe, asset, partition.key, partition.content, len(partition.files))
    for name, observed in now.inputs.items():
        seen = log.whole(f"inputs/{name}")
        if seen is None or seen.content != observed.content:
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


def bring_up(
    graph: Graph,
    jobs: Mapping[str, dg.JobDefinition],
    instance: dg.DagsterInstance,
    lake: Lake,
    home: Home,
    selected: set[str],
    cells: set[Cell] | None = None,
) -> Result:
    """Make what is stale among the selected assets, and only that. The caller holds the home's lock ``up``.

    ``jobs`` has the job of each asset; ``cells`` narrows the work further to some partitions.

    Raises:
        OSError: the disk is full, so that nothing more can be made.
    """
    tally, judged = _Tally(), set[Cell]()
    num_runs, told = 0, None
    with listening(tally.listen), pages_at_the_end():
        sweep(lake)
        end_orphans(instance)
        while True:
            state = _look(graph, lake, instance, told)
            told = state.observed
            planned = Plan(state.cells)
            asked = _narrow(planned, cells)
            wave = next_wave(graph, asked, selected, tally.tried, judged)
            if wave is None:
                restamp(instance, state, home.dagster / MIRROR_FILE)
                mirror_waivers(instance, state, home.dagster / WAIVERS_FILE)
                remove_old_versions(graph, lake)
                left = [status for status in planned.cells if status.state not in ("fresh", "quarantined") and status.cell.asset in selected]
                return Result(tally.made, tally.failed, left, num_runs)
            if not any(suite.has_data_docs for asset in {*wave.cells, *wave.judge} for suite in graph.suites.get(asset, [])):
                begin_pages()
            outcome = run_wave(graph, jobs, instance, with_what_follows(graph, asked, wave, selected, tally.tried))
            num_runs += 1
            judged.update(status.cell for status in planned.having("unjudged") if status.cell.asset in wave.judge)
            tally.take(wave, outcome)


class _Tally:
    """What came of the cells so far."""

    def __init__(self) -> None:
        self.made: list[Cell] = []
        self.failed: dict[Cell, str] = {}

    @property
    def tried(self) -> set[Cell]:
        """Cells that are not tried again."""
        return {*self.made, *self.failed}

    def listen(self, progress: Progress) -> None:
        """Note what a cell came to."""
        if progress.kind == "made":
            self.made.append(progress.cell)
            self.failed.pop(progress.cell, None)  # an attempt before it, which was made up for
        elif progress.kind == "failed":
            self.failed[progress.cell] = progress.message

    def take(self, wave: Wave, outcome: Outcome) -> None:
        """Count the cells of a wave of which nothing was heard as failed by what the run says. Raises OSError: the disk is full."""
        tried = self.tried
        self.failed |= {cell: outcome.complaint() for group in wave.cells.values() for cell in group if cell not in tried}
        full = next((message for message in self.failed.values() if FULL in message), None)
        if full is not None:
            raise OSError(full)


def _look(graph: Graph, lake: Lake, instance: dg.DagsterInstance, told: ObservedSources | None) -> GraphState:
    """Look at sources and lake, and have Dagster know what came, went or changed since it was last ``told``."""
    observed = observe_sources(graph, lake)
    if observed != told:
        mirror_sources(graph, observed, instance)
    return GraphState(graph, lake, observed)


def remove_old_versions(graph: Graph, lake: Lake) -> None:
    """Remove the versions that nothing holds any more."""
    for old in old_versions(lake, graph.recipe, graph.keep_versions):
        remove_version(lake, old.cell, old.version)


def _narrow(planned: Plan, cells: set[Cell] | None) -> Plan:
    return planned if cells is None else Plan([status for status in planned.cells if status.cell in cells])


def run_wave(graph: Graph, jobs: Mapping[str, dg.JobDefinition], instance: dg.DagsterInstance, wave: Wave) -> Outcome:
    """Run one wave in this process as one Dagster run. Assets that follow others in it make what is stale when their turn comes."""
    ops: dict[str, Any] = {}
    for asset, cells in wave.cells.items():
        partitions = [cell.partition for cell in cells if cell.partition is not None]
        ops["__".join(asset_key(graph.recipe, asset).path)] = {"config": {"partitions": partitions, "stale_only": True}}
    checks = {
        dg.AssetCheckKey(asset_key(graph.recipe, asset), check.name)
        for asset in wave.judge
        for suite in graph.suites.get(asset, [])
        for check in suite.checks
    }
    assets = {asset_key(graph.recipe, asset) for asset in wave.cells}
    job = jobs[next(iter([*wave.cells, *wave.judge]))]
    return run_in_process(
        job.get_subset(asset_selection=assets, asset_check_selection=checks),
        instance,
        run_config={"ops": ops, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        tags={"modelmill/wave": _title(wave), **_range_tags(graph, instance, wave)},
    )


def _range_tags(graph: Graph, instance: dg.DagsterInstance, wave: Wave) -> dict[str, str]:
    """Return the tags of a run over partitions: Dagster asks for a range, the ops' config names those within it that are made."""
    partitioning = next((found for asset in wave.cells if (found := graph.artifacts[asset].partitioning) is not None), None)
    if partitioning is None:
        return {}
    wanted = {cell.partition for cells in wave.cells.values() for cell in cells}
    inside = [key for key in instance.get_dynamic_partitions(partitions_name(graph.recipe, partitioning)) if key in wanted]
    return {ASSET_PARTITION_RANGE_START_TAG: inside[0], ASSET_PARTITION_RANGE_END_TAG: inside[-1]} if inside else {}


def _title(wave: Wave) -> str:
    """Return what a run does, for the list of runs."""
    parts: Sequence[str] = [f"{asset} x {len(cells)}" for asset, cells in wave.cells.items()] or [f"checks of {asset}" for asset in wave.judge]
    return ", ".join(parts)[:200]
