"""``mill up``: make what is stale."""

import shlex
import time
from typing import Annotated, Any

import typer

from assets.graph.state import GraphState
from pipelines.planning.planner import observe_sources, plan
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.waivers import print_proposals, print_waivers
from pipelines.terminal.workbench import Workbench


@app.command()
def up(
    selection: Annotated[
        str | None, typer.Argument(help="Asset to make with all it comes from; name+ adds what hangs on it; name[partition].")
    ] = None,
    recipe: RecipeOption = RECIPE,
) -> None:
    """Materialize what is stale, and only that."""
    started = time.perf_counter()
    bench = Workbench(recipe)
    with console.status("observing sources"):
        observed = observe_sources(bench.graph, bench.lake)
        chosen, cells = bench.select(selection, observed)
        planned = plan(bench.graph, bench.lake, observed)
    waiting = [p for p in planned.having("stale", "pending", "unjudged") if p.cell.asset in chosen and (cells is None or p.cell in cells)]
    if not waiting:
        print_waivers(GraphState(bench.graph, bench.lake, observed))
        _print_left(planned.having("blocked", "held"))
        seconds = time.perf_counter() - started
        console.print(styled(("nothing to do", "green"), f": {len(planned.cells)} cells are as they should be ({seconds:.1f} s)"))
        raise typer.Exit(1 if planned.having("blocked", "held") else 0)
    from pipelines.terminal.progress_bars import bring_up_with_bars

    result = bring_up_with_bars(bench, len(waiting), chosen, cells)
    seconds = time.perf_counter() - started
    console.print(styled((f"{len(result.made)} cells made", "green"), f" in {result.num_runs} runs, {seconds:.0f} s"))
    for cell, message in result.failed.items():
        console.print(styled(("failed", "red"), f" {cell}: {message}"))
    state = bench.known()
    print_waivers(state)
    _print_left([left for left in result.left if left.state in ("blocked", "held")])
    print_proposals(state)
    if result.failed or result.left:
        raise typer.Exit(1)
    _print_where_to_look(bench)


def _print_where_to_look(bench: Workbench) -> None:
    option = "" if bench.recipe.name == RECIPE else f" --recipe {shlex.quote(str(bench.recipe.path))}"
    models = list(bench.recipe.entries.models)
    console.print(styled("look:  ", ("make ui", "bold"), " (or mill ui): graph, checks, plots in the browser"))
    for command in ("status", *(["show evals/leaderboard"] if bench.recipe.entries.evals else []), *([f"chat {models[-1]}"] if models else [])):
        console.print(f"       mill {command}{option}")


def _print_left(cells: list[Any]) -> None:
    for left in cells:
        console.print(styled((left.state, "red"), f" {left.cell}: {left.reason}"))
