"""``mill status``: every artifact on a line."""

import time

from rich.table import Table

from pipelines.commands.application import RECIPE, RecipeOption, app, console
from pipelines.commands.workbench import Workbench
from resources.storage.lake import Cell
from resources.storage.sources import standing_cells


@app.command()
def status(recipe: RecipeOption = RECIPE) -> None:
    """Print a table of every artifact: rows, bytes, age, checks, cost."""
    bench = Workbench(recipe)
    table = Table("artifact", "cells", "rows", "bytes", "age", "checks", "cost (s)", title=bench.recipe.name)
    by_asset: dict[str, list[Cell]] = {}
    for cell in standing_cells(bench.lake, bench.recipe.name):
        by_asset.setdefault(cell.asset, []).append(cell)
    for name in bench.graph.artifacts:
        cells = by_asset.get(name, [])
        manifests = [manifest for cell in cells if (manifest := bench.lake.manifest(cell))]
        verdicts = [verdict for cell in cells for verdict in bench.lake.verdicts(cell).values()]
        failing = sum(not verdict.passed for verdict in verdicts)
        table.add_row(
            name,
            str(len(cells)),
            f"{sum(manifest.num_rows or 0 for manifest in manifests):,}",
            f"{sum(manifest.size_bytes for manifest in manifests):,}",
            _age(max((manifest.made_at for manifest in manifests), default=None)),
            f"[red]{failing} of {len(verdicts)} fail[/]" if failing else f"{len(verdicts)} pass" if verdicts else "-",
            f"{sum(manifest.seconds for manifest in manifests):.1f}",
        )
    console.print(table)


def _age(made_at: float | None) -> str:
    if made_at is None:
        return "-"
    seconds = time.time() - made_at
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
