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
    "pending": "made only if what they hang on changes",
    "blocked": "stopped by a check",
    "held": "behind one that is stopped",
}


@app.command("plan")
def show_plan(recipe: RecipeOption = RECIPE) -> None:
    """Print each stale cell with its reason, and change nothing."""
    bench = Workbench(recipe)
    absent = bench.graph.absent()
    cells = bench.look().cells
    waiting = [status for status in cells if status.state != "fresh"]
    if absent:
        console.print(f"not there yet, made by mill up: {', '.join(sorted(absent))}")
    if not waiting:
        console.print(f"[green]nothing to do[/]: {len(cells)} cells are as they should be")
        return
    console.print(summary(waiting, len(cells)))
    table = Table(Column("cell", overflow="fold"), "state", Column("reason", ratio=1, overflow="fold"))
    for status in waiting:
        table.add_row(escape(str(status.cell)), status.state, escape(status.reason))
    console.print(table)


def summary(waiting: list[CellStatus], total: int) -> str:
    """Return how many cells of how many wait, and for what."""
    counts = Counter(status.state for status in waiting)
    parts = [f"{counts[state]} {meaning}" for state, meaning in MEANINGS.items() if counts[state]]
    return f"{len(waiting)} of {total} cells: {', '.join(parts)}"
