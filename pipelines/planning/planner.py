"""The planner behind ``mill up``, the Dagster job and the sensor: what is to be done next, from one look at the sources and the lake.

Stale cells whose parents stand are made in one run, cells without verdicts are judged, and then it plans again.
"""

from typing import NamedTuple

from assets.graph.artifact import Graph
from assets.graph.state import CellStatus, GraphState, State
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from resources.storage.sources import ObservedSources, load_sources, observe, save_sources


class Plan(NamedTuple):
    """All cells of a recipe, parents before children."""

    cells: list[CellStatus]

    def having(self, *states: State) -> list[CellStatus]:
        """Return the cells in some states."""
        return [status for status in self.cells if status.state in states]


def look_at_sources(graph: Graph, lake: Lake) -> ObservedSources:
    """Return the recipe's sources as they stand now, and store nothing. Embedded data sets that are not there yet are as they were known."""
    return _look(graph, load_sources(lake, graph.recipe))


def observe_sources(graph: Graph, lake: Lake) -> ObservedSources:
    """Make what is missing of embedded data sets, look at the recipe's files, store what stands there now, and return it."""
    graph.prepare()
    before = load_sources(lake, graph.recipe)
    now = _look(graph, before)
    if now != before:
        save_sources(lake, graph.recipe, now)
    return now


def _look(graph: Graph, before: ObservedSources) -> ObservedSources:
    return observe(before, graph.sources, graph.inputs, absent=graph.absent())


def plan(graph: Graph, lake: Lake, observed: ObservedSources) -> Plan:
    """Return the state of every cell, with the reason."""
    return Plan(GraphState(graph, lake, observed).cells)


class Wave(NamedTuple):
    """What one run does next: cells to make by asset, and assets whose cells are to be judged."""

    cells: dict[str, list[Cell]]
    judge: list[str]


def next_wave(graph: Graph, planned: Plan, selected: set[str], tried: set[Cell], judged: set[Cell]) -> Wave | None:
    """Return the next run: judge what is unjudged, else make what is stale; None when nothing is left that was not tried before.

    A run makes assets of one partitioning, corpora first, and no asset with its parent: within a run Dagster skips an asset whose parent has
    no output, and a wave's partitions are events, not outputs.
    """
    unjudged = {status.cell.asset for status in planned.having("unjudged") if status.cell.asset in selected and status.cell not in judged}
    if unjudged:
        return Wave({}, sorted(_of_one_partitioning(graph, {asset: list[Cell]() for asset in sorted(unjudged)})))
    ready: dict[str, list[Cell]] = {}
    for stale in planned.having("stale"):
        if stale.cell.asset in selected and stale.cell not in tried:
            ready.setdefault(stale.cell.asset, []).append(stale.cell)
    chosen = _of_one_partitioning(graph, ready)
    apart = {asset: cells for asset, cells in chosen.items() if not chosen.keys() & set(graph.artifacts[asset].upstream)}
    return Wave(apart, []) if apart else None


def with_what_follows(graph: Graph, planned: Plan, wave: Wave, selected: set[str], tried: set[Cell]) -> Wave:
    """Return a wave that judges what it makes and goes on to what hangs on that, as far as one run can go.

    Whether a cell that follows is made is seen when its turn comes: a parent may have failed, be stopped by a check, or be as it was. What uses a
    GPU has a run of its own, and partitions do not go together with whole assets.
    """
    begun = [*wave.cells, *wave.judge]
    partitioning, cells = graph.artifacts[begun[0]].partitioning, dict(wave.cells)
    waiting: dict[str, list[Cell]] = {}
    for status in planned.having("stale", "pending"):
        if status.cell not in tried:
            waiting.setdefault(status.cell.asset, []).append(status.cell)
    for asset, found in waiting.items():
        artifact = graph.artifacts[asset]
        alike = (artifact.partitioning and artifact.partitioning.name) == (partitioning and partitioning.name)
        reached = any(name in begun for name in artifact.upstream)
        follows = reached and all(name in begun for name in artifact.upstream if name in waiting)
        if asset in selected and asset not in begun and alike and follows and not artifact.uses_gpu:
            cells[asset] = found
            begun.append(asset)
    return Wave(cells, [asset for asset in graph.artifacts if asset in begun and graph.suites.get(asset)])


def _of_one_partitioning(graph: Graph, ready: dict[str, list[Cell]]) -> dict[str, list[Cell]]:
    """Return the assets that are partitioned as the first partitioned one is; those without partitions where there is none.

    Partitions and whole assets do not go together in a run of cells, since one of its tags is a range of partitions.
    """

    def name(asset: str) -> str:
        partitioning = graph.artifacts[asset].partitioning
        return partitioning.name if partitioning else ""

    first = next((name(asset) for asset in ready if name(asset)), "")
    return {asset: cells for asset, cells in ready.items() if name(asset) == first}
