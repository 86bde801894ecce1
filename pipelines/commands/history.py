"""``mill history``: the versions of an artifact and what its making cost; ``mill rollback``, ``mill pin``, ``mill unpin``, ``mill prune``."""

import time
from typing import Annotated

import typer
from rich.table import Table

from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.workbench import Workbench
from resources.storage import ledger, versions
from resources.storage.manifest import Cell, KeptVersion, Manifest

CellArgument = Annotated[str, typer.Argument(help="asset or asset[partition]")]
SHOWN_ATTEMPTS = 20


def _cell(bench: Workbench, name: str) -> Cell:
    return bench.cell(name, bench.lake.cells(bench.recipe.name))


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


@app.command()
def history(cell: CellArgument, recipe: RecipeOption = RECIPE) -> None:
    """Print the versions of an artifact that are kept, and every attempt at it with its cost."""
    bench = Workbench(recipe)
    chosen = _cell(bench, cell)
    standing, pin = bench.lake.require(chosen), versions.pins(bench.lake, bench.recipe.name).get(str(chosen))
    table = Table("version", "", "made", "rows", "bytes", "content", "commit", title=str(chosen))
    for manifest in versions.history(bench.lake, chosen):
        marks = ["stands"] if manifest.version == standing.version else []
        marks += [f"pinned: {pin.reason}"] if pin is not None and manifest.version == pin.version else []
        commit = (manifest.provenance.commit or "-")[:12] if manifest.provenance else "-"
        row = (manifest.version, ", ".join(marks), _time(manifest.made_at), f"{manifest.num_rows or 0:,}", f"{manifest.size_bytes:,}")
        table.add_row(*row, manifest.content[:12], commit)
    console.print(table)
    attempts = [each for each in ledger.read(bench.lake, bench.recipe.name) if (each.asset, each.partition) == chosen[1:]]
    table = Table("attempt", "began", "seconds", "device", "version or reason", title=f"{len(attempts)} attempts")
    for attempt in attempts[-SHOWN_ATTEMPTS:]:
        table.add_row(attempt.outcome, _time(attempt.began_at), f"{attempt.seconds:.1f}", attempt.device, attempt.version or attempt.reason)
    console.print(table)


@app.command()
def rollback(
    cell: CellArgument,
    recipe: RecipeOption = RECIPE,
    to: Annotated[str | None, typer.Option(help="A version, or how its name begins; by default the one before.")] = None,
    reason: Annotated[str, typer.Option(help="Kept with the pin.")] = "rolled back",
) -> None:
    """Have an earlier version of an artifact stand again, and stay until it is unpinned."""
    bench = Workbench(recipe)
    with bench.home.lock("up"):
        manifest = versions.rollback(bench.lake, _cell(bench, cell), to, reason)
    console.print(f"{cell} is {manifest.version} of {_time(manifest.made_at)} again, and stays it: mill unpin lets go")


@app.command()
def pin(cell: CellArgument, recipe: RecipeOption = RECIPE, reason: Annotated[str, typer.Option(help="Why it is to stay.")] = "pinned") -> None:
    """Have an artifact stay as it is, whatever it is made from."""
    bench = Workbench(recipe)
    chosen = _cell(bench, cell)
    versions.pin(bench.lake, chosen, bench.lake.require(chosen).version, reason)
    console.print(f"{cell} stays {bench.lake.require(chosen).version}: mill unpin lets go")


@app.command()
def unpin(cell: CellArgument, recipe: RecipeOption = RECIPE) -> None:
    """Let go of a pin: the artifact is made again when what it comes from has changed."""
    bench = Workbench(recipe)
    found = versions.unpin(bench.lake, _cell(bench, cell))
    console.print(f"{cell} is {'let go' if found else 'not pinned'}")


@app.command()
def prune(
    recipe: RecipeOption = RECIPE, delete: Annotated[bool, typer.Option("--delete", help="Remove them; else they are only listed.")] = False
) -> None:
    """List, or remove, what nothing holds: old versions, and artifacts that the recipe no longer has."""
    bench = Workbench(recipe)
    with bench.home.lock("up"):
        old = versions.old_versions(bench.lake, bench.recipe.name, bench.graph.keep_versions)
        orphans = _orphans(bench)
        table = Table("what", "version", "bytes", "made")
        for each in old:
            table.add_row(str(each.cell), each.version, f"{each.size_bytes:,}", _time(each.made_at))
        for cell in orphans:
            manifest = bench.lake.require(cell)
            table.add_row(f"{cell}, which the recipe no longer has", "all", f"{manifest.size_bytes:,}", _time(manifest.made_at))
        console.print(table)
        size = sum(each.size_bytes for each in old) + sum(bench.lake.require(cell).size_bytes for cell in orphans)
        if not delete:
            console.print(f"{size:,} bytes could go: mill prune --delete removes them")
            return
        for each in old:
            versions.remove_version(bench.lake, each.cell, each.version)
        for cell in orphans:
            bench.lake.remove(bench.lake.place(cell))
    console.print(f"{size:,} bytes removed")


def _orphans(bench: Workbench) -> list[Cell]:
    """Return the cells that are no artifact of the recipe's any more, those that something holds aside."""
    state = bench.known()
    wanted = {status.cell for status in state.cells}
    held = {Cell(bench.recipe.name, kept.asset, kept.partition) for status in state.cells for kept in _kept(state.manifest(*status.cell[1:]))}
    pinned = versions.pins(bench.lake, bench.recipe.name)
    return [cell for cell in bench.lake.cells(bench.recipe.name) if cell not in wanted | held and str(cell) not in pinned]


def _kept(manifest: Manifest | None) -> list[KeptVersion]:
    return manifest.keeps if manifest is not None else []
