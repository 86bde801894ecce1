"""``mill status``: every artifact on a line."""

import time

from rich.table import Table

from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.workbench import Workbench


@app.command()
def status(recipe: RecipeOption = RECIPE) -> None:
    """Print a table of every artifact: rows, bytes, age, checks, cost."""
    bench = Workbench(recipe)
    state = bench.known()
    table = Table("artifact", "cells", "rows", "bytes", "age", "checks", "cost (s)", title=bench.recipe.name)
    for name, artifact in bench.graph.artifacts.items():
        records = [state.record(name, partition) for partition in artifact.partitions(state.observed)]
        manifests = [record.manifest for record in records if record.manifest is not None]
        asked = [check.name for suite in bench.graph.suites.get(name, []) for check in suite.checks]
        verdicts = [verdict for record in records for check, verdict in record.verdicts.items() if check in asked]
        failing = sum(not verdict.passed for verdict in verdicts)
        table.add_row(
            name,
            str(len(manifests)),
            f"{sum(manifest.num_rows or 0 for manifest in manifests):,}",
            f"{sum(manifest.size_bytes for manifest in manifests):,}",
            age(max((manifest.made_at for manifest in manifests), default=None)),
            styled((f"{failing} of {len(verdicts)} fail", "red")) if failing else f"{len(verdicts)} pass" if verdicts else "-",
            f"{sum(manifest.seconds for manifest in manifests):.1f}",
        )
    console.print(table)


def age(made_at: float | None) -> str:
    """Return how long ago something was made, in the unit that fits."""
    if made_at is None:
        return "-"
    seconds = time.time() - made_at
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
