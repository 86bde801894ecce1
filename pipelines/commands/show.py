"""``mill show``: one artifact."""

from collections import Counter
from typing import Annotated

import typer

from kernels.specs.names import nearest
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.tables import print_markdown
from pipelines.terminal.units import age, count, date, duration, rounded, size
from pipelines.terminal.workbench import Workbench
from resources.storage.manifest import Cell, Manifest
from resources.storage.sources import standing_cells

SHOWN_PARTITIONS = 12


@app.command()
def show(
    artifact: Annotated[str, typer.Argument(help="asset or asset[partition]")],
    recipe: RecipeOption = RECIPE,
    details: Annotated[bool, typer.Option("--details", "-d", help="Also what it is made from, its files and its manifest.")] = False,
) -> None:
    """Print what an artifact says of itself: scores, samples, counts, checks."""
    bench = Workbench(recipe)
    name, _, partition = artifact.rstrip("]").partition("[")
    standing = standing_cells(bench.lake, bench.recipe.name)
    cells = [cell for cell in standing if cell.asset == name and (not partition or cell.partition == partition)]
    if not cells:
        raise ValueError(f"nothing is made under {artifact!r}; {nearest(artifact, sorted({str(cell) for cell in standing}))}")
    if len(cells) > 1:
        keys = [str(cell.partition) for cell in cells]
        more = f" and {len(keys) - SHOWN_PARTITIONS} more" if len(keys) > SHOWN_PARTITIONS else ""
        console.print(f"{name} has {len(cells)} partitions: {', '.join(keys[:SHOWN_PARTITIONS])}{more}; this is the first")
    _show_cell(bench, cells[0], details)


def _show_cell(bench: Workbench, cell: Cell, details: bool) -> None:
    manifest: Manifest = bench.lake.require(cell)
    console.print(styled((cell, "bold"), f"  {_summary(manifest)}"))
    for name, verdict in bench.lake.verdicts(cell).items():
        word = ("pass", "green") if verdict.passed else ("FAIL", "red") if verdict.blocking else ("warn", "yellow")
        console.print(styled(f"check {name}: ", word, f" {verdict.description}"))
    for waiver in bench.graph.waivers:
        if waiver.is_of(cell):
            console.print(f"waiver: {waiver if waiver.holds(manifest) else f'not in force, given for other content: {waiver}'}")
    numbers = {name: value for name, value in manifest.metadata.items() if not isinstance(value, dict)}
    for name, value in manifest.metadata.items():
        if isinstance(value, dict) and "markdown" in value:
            console.print(styled("\n", (name, "bold")))
            print_markdown(console, value["markdown"])
        elif isinstance(value, dict) and "png" in value:
            console.print(f"{name}: {bench.lake.folder(cell)}/{value['png']}", soft_wrap=True)
    for name, value in numbers.items():
        console.print(f"{name}: {'; '.join(map(str, value)) or 'none' if isinstance(value, list) else rounded(value)}")
    if details:
        _show_details(bench, manifest)


def _summary(manifest: Manifest) -> str:
    """Return when it was made, how long that took, and how large it is."""
    rows = f"{count(manifest.num_rows)} rows, " if manifest.num_rows is not None else ""
    return f"{rows}{size(manifest.size_bytes)}, made {date(manifest.made_at)} ({age(manifest.made_at)} ago) in {duration(manifest.seconds)}"


def _show_details(bench: Workbench, manifest: Manifest) -> None:
    parents = Counter(parent.name.partition("[")[0] for parent in manifest.parents)
    if parents:
        console.print("made from: " + ", ".join(f"{name} ({number} cells)" if number > 1 else name for name, number in parents.items()))
    console.print(f"folder: {bench.lake.folder(manifest.cell)}", soft_wrap=True)
    for name, num_bytes in manifest.files.items():
        console.print(f"file: {name} {size(num_bytes)}")
    for key, value in manifest.model_dump(
        mode="json", exclude={"metadata", "files", "parents", "made_at", "seconds", "num_rows", "size_bytes"}
    ).items():
        console.print(f"{key}: {value}", soft_wrap=True)
