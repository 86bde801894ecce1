"""``mill plan``: what is stale, and why."""

from collections import Counter

from rich.markup import escape
from rich.table import Column, Table

from assets.graph.state import CellStatus
from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.workbench import Workbench

MEANINGS = {
    "stale": "to be made",
    "unjudged": "to be checked",
    "pending": "to be made after those",
    "conditional": "made only if what they hang on changes",
    "blocked": "stopped by a check",
    "held": "behind one that is stopped",
}


@app.command("plan")
def show_plan(recipe: RecipeOption = RECIPE) -> None:
    """Print each stale cell with its reason, and change nothing; cells that may stay as they are stand together, an asset a line."""
    bench = Workbench(recipe)
    absent = bench.graph.absent()
    state = bench.look()
    cells = state.cells
    waiting = [status for status in cells if status.state != "fresh"]
    if absent:
        console.print(f"not there yet, made by mill up: {', '.join(sorted(absent))}")
    for passed in state.observed.passed:
        console.print(f"[yellow]{escape(str(passed))}[/]")
    if not waiting:
        console.print(f"[green]nothing to do[/]: {len(cells)} cells are as they should be")
        return
    console.print(summary(waiting, len(cells)))
    table = Table(Column("cell", overflow="fold"), "state", Column("reason", ratio=1, overflow="fold"))
    for status in waiting:
        if not is_conditional(status):
            table.add_row(escape(str(status.cell)), status.state, escape(status.reason))
    for asset, cells in by_asset([status for status in waiting if is_conditional(status)]).items():
        name = str(cells[0].cell) if len(cells) == 1 else f"{asset}, {len(cells)} cells"
        table.add_row(escape(name), "pending", escape(cells[0].reason))
    console.print(table)


def is_conditional(status: CellStatus) -> bool:
    """Return whether a cell is as it should be for what is known, and is made only if a parent's content changes."""
    return status.state == "pending" and status.reason.startswith("hangs on")


def by_asset(cells: list[CellStatus]) -> dict[str, list[CellStatus]]:
    """Return cells by asset, in order."""
    found: dict[str, list[CellStatus]] = {}
    for status in cells:
        found.setdefault(status.cell.asset, []).append(status)
    return found


def summary(waiting: list[CellStatus], total: int) -> str:
    """Return how many cells of how many wait, and for what."""
    counts = Counter("conditional" if is_conditional(status) else status.state for status in waiting)
    parts = [f"{counts[state]} {meaning}" for state, meaning in MEANINGS.items() if counts[state]]
    return f"{len(waiting)} of {total} cells: {', '.join(parts)}"
