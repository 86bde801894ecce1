"""``mill up``: make what is stale. ``mill watch``: do so whenever something is."""

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from assets.graph.state import CellStatus, GraphState
from pipelines.planning.planner import observe_sources, plan
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.hints import command, print_next_steps
from pipelines.terminal.units import duration
from pipelines.terminal.waivers import print_proposals, print_waivers
from pipelines.terminal.workbench import Workbench
from resources.storage.home import Busy

SHOWN_CELLS = 5
Selections = Annotated[
    list[str] | None, typer.Argument(help="Assets to make with all they come from; name+ adds what hangs on it; name[partition].", show_default=False)
]
Until = Annotated[
    str | None, typer.Option("--until", help="Stage (corpus, tokens, models, evals) or asset past which nothing is made.", show_default=False)
]


@app.command()
def up(selections: Selections = None, recipe: RecipeOption = RECIPE, until: Until = None) -> None:
    """Materialize what is stale, and only that."""
    raise typer.Exit(0 if bring_up_to_date(Workbench(recipe), selections or [], until) else 1)


@app.command()
def watch(
    recipe: RecipeOption = RECIPE,
    until: Until = None,
    every: Annotated[int | None, typer.Option("--every", min=1, help="Seconds between two looks; else the recipe's watch_seconds.")] = None,
) -> None:
    """Look at sources and recipe again and again, and materialize what has become stale. End it with Ctrl-C."""
    told = ""
    while True:
        seconds = every or 60
        try:
            bench = Workbench(recipe)
            seconds = every or bench.recipe.entries.schedules.watch_seconds
            chosen = bench.graph.until(until) if until else set(bench.graph.artifacts)
            waiting = [status for status in bench.look().cells if status.state in ("stale", "unjudged") and status.cell.asset in chosen]
            if waiting:
                bring_up_to_date(bench, [], until)
            elif told != "waiting":
                console.print(f"nothing to do; looking every {duration(seconds)}")
            told = "waiting"
        except (ValueError, OSError, Busy) as error:  # a recipe being written, a disk being mounted: it may be right at the next look
            if told != str(error):
                console.print(styled((error, "red")))
            told = str(error)
        time.sleep(seconds)


def bring_up_to_date(bench: Workbench, selections: Sequence[str], until: str | None) -> bool:
    """Make what is stale, say how it goes and what is left, and return whether all that was asked for is as it should be."""
    started = time.perf_counter()
    with console.status("observing sources"):
        observed = observe_sources(bench.graph, bench.lake)
        chosen = bench.select(selections, until, observed)
        planned = plan(bench.graph, bench.lake, observed)
    asked = [status for status in planned.cells if status.cell.asset in chosen.assets and (chosen.cells is None or status.cell in chosen.cells)]
    waiting = [status for status in asked if status.state in ("stale", "pending", "unjudged")]
    stopped = [status for status in asked if status.state in ("blocked", "held")]
    if not waiting:
        print_waivers(GraphState(bench.graph, bench.lake, observed))
        _print_stopped(stopped, bench)
        if not stopped:
            seconds = time.perf_counter() - started
            console.print(styled(("nothing to do", "green"), f": {len(asked)} cells are as they should be ({seconds:.1f} s)"))
        return not stopped
    from pipelines.terminal.progress_bars import bring_up_with_bars

    result = bring_up_with_bars(bench, waiting, chosen)
    seconds = time.perf_counter() - started
    console.print(styled((f"{len(result.made)} cells made", "green"), f" in {result.num_runs} runs, {seconds:.0f} s"))
    if result.failed:
        console.print(styled((f"{len(result.failed)} failed", "red"), f": {', '.join(map(str, result.failed))}"))
    state = bench.known()
    print_waivers(state)
    _print_stopped([left for left in result.left if left.state in ("blocked", "held")], bench)
    print_proposals(state)
    if not result.failed and not result.left:
        print_next_steps(bench, {status.cell.asset for status in state.cells if state.manifest(*status.cell[1:]) is not None})
    return not result.failed and not result.left


def _print_stopped(cells: Sequence[CellStatus], bench: Workbench) -> None:
    """Say once for each finding which cells a check stops, and how many are behind them."""
    blocked: dict[tuple[str, str], list[CellStatus]] = {}
    for status in cells:
        if status.state == "blocked":
            blocked.setdefault((status.cell.asset, status.reason.partition(":")[0]), []).append(status)
    for (asset, check), found in blocked.items():
        names = ", ".join(str(status.cell.partition) for status in found[:SHOWN_CELLS] if status.cell.partition)
        more = f" and {len(found) - SHOWN_CELLS} more" if len(found) > SHOWN_CELLS else ""
        where = f"{asset}[{names}]{more}" if names else asset
        console.print(styled(("blocked", "red"), f" {where}: {check}: {found[0].reason.partition(': ')[2]}"))
    held = [status for status in cells if status.state == "held"]
    if held:
        assets = dict.fromkeys(status.cell.asset for status in held)
        console.print(styled(("held", "red"), f" {len(held)} cells behind them: {', '.join(assets)}; {command('plan --details', bench)} names each"))
