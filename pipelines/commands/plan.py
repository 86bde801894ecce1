"""``mill plan``: what is stale, and why."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

import typer
from rich import box
from rich.table import Column, Table

from assets.graph.state import CellStatus, GraphState
from pipelines.planning.estimates import estimate
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.units import duration
from pipelines.terminal.waivers import print_proposals, print_waivers
from pipelines.terminal.workbench import Workbench
from resources.storage.manifest import Cell
from resources.storage.sources import FileChanges, file_changes, load_sources

MEANINGS = {
    "stale": "to be made",
    "unjudged": "to be checked",
    "pending": "to be made after those",
    "conditional": "made only if what they hang on changes",
    "blocked": "stopped by a check",
    "held": "behind one that is stopped",
}
SHOWN_FILES = 5
MAX_STAGE_CHARS = 40
SHOWN_SOURCES = 3
"""Of one stage and reason that have a line each; more are counted in one."""


@app.command("plan")
def show_plan(
    recipe: RecipeOption = RECIPE,
    details: Annotated[bool, typer.Option("--details", "-d", help="Each cell with its own reason.")] = False,
) -> None:
    """Print what is stale and why, stage by stage and source by source, and change nothing."""
    bench = Workbench(recipe)
    absent = bench.graph.absent()
    state = bench.look()
    waiting = [status for status in state.cells if status.state not in ("fresh", "quarantined")]
    print_waivers(state)
    if absent:
        console.print(f"not there yet, made by mill up: {', '.join(sorted(absent))}")
    before = load_sources(bench.lake, bench.recipe.name)
    known = {partition.source for partition in before.partitions}
    for source, changes in file_changes(before, state.observed).items():
        console.print(f"{source}: {'; '.join(_file_words(changes)) if source in known else f'{len(changes.new)} files, not looked at before'}")
    for passed in state.observed.passed:
        console.print(styled((passed, "yellow")))
    if not waiting:
        console.print(styled(("nothing to do", "green"), f": {len(state.cells)} cells are as they should be"))
        return
    console.print(summary(waiting, state))
    console.print(_details(waiting) if details else _groups(waiting))
    print_proposals(state)


def _file_words(changes: FileChanges) -> Iterator[str]:
    """Yield what became of a source's files since they were last looked at."""
    for files, word in ((changes.new, "new"), (changes.changed, "changed"), (changes.gone, "gone")):
        if files:
            more = f" and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
            yield f"{len(files)} {word}: {', '.join(files[:SHOWN_FILES])}{more}"


def _details(waiting: Sequence[CellStatus]) -> Table:
    table = Table(Column("cell", overflow="fold"), "state", Column("reason", ratio=1, overflow="fold"), box=box.SIMPLE_HEAD)
    for status in waiting:
        table.add_row(str(status.cell), status.state, status.reason)
    return table


class Group(NamedTuple):
    """Cells that wait for one reason."""

    asset: str
    state: str
    reason: str
    """Without the partitions that it names, and how many there are."""


def group_of(status: CellStatus) -> Group:
    """Return the group of a waiting cell."""
    state = "conditional" if is_conditional(status) else status.state
    reason = re.sub(r"\[[^\]]*\]|(?<=\S) and \d+ more", "", status.reason) if "/" in status.reason else status.reason
    return Group(status.cell.asset, state, reason)


def _source_of(status: CellStatus) -> str:
    """Return the source of a cell whose partition is of one, else nothing."""
    partition = status.cell.partition or ""
    return partition.split(".")[0] if "." in partition else ""


def _groups(waiting: Sequence[CellStatus]) -> Table:
    """Return a line an asset and reason, with its sources: a line each where they are few."""
    groups: dict[Group, Counter[str]] = {}
    for status in waiting:
        groups.setdefault(group_of(status), Counter())[_source_of(status)] += 1
    widest = min(MAX_STAGE_CHARS, max(len(group.asset) for group in groups))
    columns = [Column("stage", overflow="fold", min_width=widest), Column("source", overflow="fold"), Column("cells", justify="right", no_wrap=True)]
    table = Table(*columns, Column("state", no_wrap=True), Column("why", overflow="fold"), box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
    before = ""
    for group, counts in groups.items():
        state = "if needed" if group.state == "conditional" else group.state
        sources = counts if len(counts) <= SHOWN_SOURCES else {f"{len(counts)} sources": counts.total()}
        for source, number in sources.items():
            table.add_row(group.asset if group.asset != before else "", source, str(number), state, group.reason)
            before = group.asset
    return table


def is_conditional(status: CellStatus) -> bool:
    """Return whether a cell is as it should be for what is known, and is made only if a parent's content changes."""
    return status.state == "pending" and status.reason.startswith("hangs on")


def summary(waiting: Sequence[CellStatus], state: GraphState) -> str:
    """Return how many cells of how many wait, for what, and for how long."""
    counts = Counter("conditional" if is_conditional(status) else status.state for status in waiting)
    parts = [f"{counts[name]} {meaning}" for name, meaning in MEANINGS.items() if counts[name]]
    sure = [status.cell for status in waiting if status.state in ("stale", "pending") and not is_conditional(status)]
    maybe = [status.cell for status in waiting if is_conditional(status)]
    return f"{len(waiting)} of {len(state.cells)} cells: {', '.join(parts)}{_time_words(state, sure, maybe)}"


def _time_words(state: GraphState, sure: list[Cell], maybe: list[Cell]) -> str:
    """Return how long the cells that are made for sure will take, and how long those that may be."""
    certain, possible = estimate(state, sure), estimate(state, maybe)
    words = [f"about {duration(certain.seconds)}"] if certain.seconds >= 1 else []
    if possible.seconds >= 1:
        words.append(f"{duration(possible.seconds)} more if all contents change")
    if certain.unknown:
        words.append(f"no cell of {', '.join(certain.unknown[:3])}{' and others' if len(certain.unknown) > 3 else ''} has been made before")
    return f"; {', '.join(words)}" if words else ""
