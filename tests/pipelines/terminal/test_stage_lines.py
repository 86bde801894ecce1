"""Through a pipe, a line a stage."""

import io

from pipelines.planning.bring_up import Result
from pipelines.terminal.application import Terminal
from pipelines.terminal.progress_bars import StageLines
from resources.storage.manifest import Cell
from resources.storage.progress import Progress


def cell(asset: str, partition: str) -> Cell:
    return Cell("r", asset, partition)


def test_each_stage_is_a_line_and_a_failure_another() -> None:
    file, times = io.StringIO(), iter([0.0, 0.0, 12.0, 12.0, 15.5])
    lines = StageLines(Terminal(file=file, width=80), clock=lambda: next(times))
    for asset in ("corpus/documents", "corpus/filtered"):
        for partition in ("a.000", "b.000"):
            lines.listen(Progress(cell(asset, partition), "begun"))
            failed = (asset, partition) == ("corpus/filtered", "b.000")
            lines.listen(Progress(cell(asset, partition), "failed" if failed else "made", "ValueError: [no] closing bracket" if failed else ""))
    lines.end(Result([], {}, [], 1))
    assert file.getvalue().splitlines() == [
        "made corpus/documents: 2 cells, 12 s",
        "made corpus/filtered: 1 cell, 3.5 s",
        "failed corpus/filtered[b.000]: ValueError: [no] closing bracket",
    ]
