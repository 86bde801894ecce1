"""``mill show``: one artifact."""

from typing import Annotated

import typer
from rich.table import Table

from kernels.specs.names import nearest
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, markdown, styled
from pipelines.terminal.workbench import Workbench
from resources.storage.manifest import Cell, Manifest
from resources.storage.sources import standing_cells

SHOWN_CELLS = 40


@app.command()
def show(artifact: Annotated[str, typer.Argument(help="asset or asset[partition]")], recipe: RecipeOption = RECIPE) -> None:
    """Print an artifact's manifest, metadata and sample."""
    bench = Workbench(recipe)
    name, _, partition = artifact.rstrip("]").partition("[")
    cells = [cell for cell in standing_cells(bench.lake, bench.recipe.name) if cell.asset == name and (not partition or cell.partition == partition)]
    if not cells:
        known = sorted({str(cell) for cell in standing_cells(bench.lake, bench.recipe.name)})
        raise ValueError(f"nothing is made under {artifact!r}; {nearest(artifact, known)}")
    if len(cells) > 1:
        console.print(f"{name} has {len(cells)} partitions: {', '.join(str(cell.partition) for cell in cells)}")
    _show_cell(bench, cells[0])


def _show_cell(bench: Workbench, cell: Cell) -> None:
    manifest: Manifest = bench.lake.require(cell)
    table = Table(show_header=False, title=str(cell))
    for key, value in manifest.model_dump(exclude={"metadata", "files", "parents"}).items():
        table.add_row(key, str(value))
    table.add_row("folder", str(bench.lake.folder(cell)))
    for parent in manifest.parents[:SHOWN_CELLS]:
        table.add_row("made from", f"{parent.name} {parent.content}")
    for name, size in manifest.files.items():
        table.add_row("file", f"{name} {size:,} bytes")
    for name, verdict in bench.lake.verdicts(cell).items():
        table.add_row(f"check {name}", styled(("pass", "") if verdict.passed else ("FAIL", "red"), f": {verdict.description}"))
    for waiver in bench.graph.waivers:
        if waiver.is_of(cell):
            table.add_row("waiver", str(waiver) if waiver.holds(manifest) else f"not in force, given for other content: {waiver}")
    console.print(table)
    for name, value in manifest.metadata.items():
        if isinstance(value, dict) and "markdown" in value:
            console.print(styled((name, "bold")))
            console.print(markdown(value["markdown"]))
        elif isinstance(value, list):
            console.print(f"{name}: {'; '.join(map(str, value)) or 'none'}")
        elif not isinstance(value, dict):
            console.print(f"{name}: {value}")
