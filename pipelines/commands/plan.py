"""``mill plan``: what is stale, and why."""

from rich.markup import escape
from rich.table import Column, Table

from pipelines.commands.application import RECIPE, RecipeOption, app, console
from pipelines.commands.workbench import Workbench
from pipelines.planning.planner import Plan, observe_sources, plan


@app.command("plan")
def show_plan(recipe: RecipeOption = RECIPE) -> None:
    """Print each stale cell with its reason, and change nothing."""
    bench = Workbench(recipe)
    planned: Plan = plan(bench.graph, bench.lake, observe_sources(bench.graph, bench.lake))
    waiting = [p for p in planned.cells if p.state != "fresh"]
    if not waiting:
        console.print(f"[green]nothing to do[/]: {len(planned.cells)} cells are as they should be")
        return
    table = Table(
        Column("cell", overflow="fold"), "state", Column("reason", ratio=1, overflow="fold"), title=f"{len(waiting)} of {len(planned.cells)} cells"
    )
    for p in waiting:
        table.add_row(escape(str(p.cell)), p.state, escape(p.reason))
    console.print(table)
