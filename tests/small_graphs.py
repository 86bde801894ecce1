"""Cells put into a lake by hand, and graphs brought up to date without Dagster."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from assets.graph.artifact import Artifact, Graph
from assets.graph.build import CellBuild, Judging, Workplace
from assets.graph.making import make
from assets.graph.state import GraphState
from assets.orchestration.checks import judge
from pipelines.planning.planner import Plan, next_wave
from resources.devices.jobs import RESULT_FILE, read_job
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, Manifest, Parent
from resources.storage.publishing import MadeFrom, draft, publish
from resources.storage.sources import ObservedFile, ObservedSources, Partition
from resources.storage.tables import write_table


def put_cell(
    lake: Lake,
    cell: Cell,
    *,
    parents: Sequence[str | Parent] = (),
    metadata: dict[str, Any] | None = None,
    num_rows: int | None = None,
    **tables: pa.Table,
) -> Manifest:
    """Publish a cell of some tables; a parent of which only the name is given has no content."""
    found = [Parent(name=parent, content="") if isinstance(parent, str) else parent for parent in parents]
    with draft(lake, cell) as begun:
        for name, table in tables.items():
            write_table(begun.folder / f"{name}.parquet", table)
        begun.metadata |= metadata or {}
        begun.num_rows = num_rows
        return publish(lake, begun, MadeFrom(code_version="1", config={}, parents=found))


def observed(*keys: str, path: str = "f") -> ObservedSources:
    """Return sources of one file a partition, whose content is the partition's key."""
    files = {key: [ObservedFile(path=path, size_bytes=1, modified="", digest=key)] for key in keys}
    return ObservedSources(partitions=[Partition(key=key, source=key.split(".")[0], files=found) for key, found in files.items()])


def no_launcher(*arguments: Any) -> None:
    raise AssertionError("nothing here runs in a process of its own")


class WordsReporter(NamedTuple):
    """Hands on the words that a job says, and keeps no numbers."""

    say: Callable[[str], Any]

    def __call__(self, numbers: dict[str, float], label: str = "") -> None:
        pass


def launch_here(say: Callable[[str], Any] = pytest.fail) -> Any:
    """Return what does a job in this process, failing where words are said that no test expects."""

    def launch(module: str, job: Path, environments: Any, on_report: Any, nodes: Any = ()) -> None:
        read = read_job(job)
        (job.parent / RESULT_FILE).write_text(json.dumps(read.request.fulfil(read, WordsReporter(say))))

    return launch


def workplace(home: Home, launch: Any = no_launcher) -> Workplace:
    return Workplace(home, launch, lambda numbers: None)


def graph_of(*artifacts: Artifact, **changes: Any) -> Graph:
    return Graph(**{"recipe": "r", "artifacts": {found.name: found for found in artifacts}, "suites": {}, "sources": {}, "inputs": {}, **changes})


def artifact(name: str, build: Callable[[CellBuild], None], **changes: Any) -> Artifact:
    plain: dict[str, Any] = {"recipe": "r", "description": "", "group": "corpus", "kinds": (), "code_version": "1", "made_from": ()}
    return Artifact(**{**plain, "name": name, "build": build, **changes})


def judging(home: Home, graph: Graph, sources: ObservedSources) -> Judging:
    return Judging(GraphState(graph, home.lake(), sources), home)


def bring_up(
    graph: Graph,
    home: Home,
    sources: ObservedSources,
    selected: set[str] | None = None,
    on_judged: Callable[[list[Cell]], None] = lambda cells: None,
    launch: Any = no_launcher,
) -> list[str]:
    """Judge and make until nothing is left, and return what was made, in order."""
    lake, made = home.lake(), list[str]()
    tried: set[Cell] = set()
    judged: set[Cell] = set()
    while True:
        state = GraphState(graph, lake, sources)
        planned = Plan(state.cells)
        wave = next_wave(graph, planned, selected or set(graph.artifacts), tried, judged)
        if wave is None:
            return made
        for asset in wave.judge:
            cells = [status.cell for status in planned.having("unjudged") if status.cell.asset == asset]
            judged.update(cells)
            for suite in graph.suites[asset]:
                waiting = [cell for cell in cells if state.is_unjudged(suite, cell)]
                on_judged(waiting)
                judge(suite, waiting, state, home)
        for asset, cells in wave.cells.items():
            for cell in cells:
                tried.add(cell)
                make(graph.artifacts[asset], cell.partition, state, workplace(home, launch))
                made.append(str(cell))


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()
