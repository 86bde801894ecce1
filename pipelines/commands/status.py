"""``mill status``: every artifact on a line."""

import time

from rich.table import Table
from rich.text import Text

from assets.graph.state import GraphState
from assets.graph.waivers import quarantine_of
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.waivers import print_waivers
from pipelines.terminal.workbench import Workbench
from resources.storage.look import CellRecord


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
        waived = sum(_num_waived(state, record) for record in records)
        table.add_row(
            name,
            str(len(manifests)),
            f"{sum(manifest.num_rows or 0 for manifest in manifests):,}",
            f"{sum(manifest.size_bytes for manifest in manifests):,}",
            age(max((manifest.made_at for manifest in manifests), default=None)),
            _checks(len(verdicts), failing, waived),
            f"{sum(manifest.seconds for manifest in manifests):.1f}",
        )
    console.print(table)
    print_waivers(state)


def _num_waived(state: GraphState, record: CellRecord) -> int:
    """Return how many failing checks of a cell the recipe waives."""
    manifest = record.manifest
    if manifest is None:
        return 0
    failing = [name for name, verdict in record.verdicts.items() if not verdict.passed]
    everything = quarantine_of(state.graph.waivers, manifest) is not None
    return sum(everything or state.acceptance(manifest, name) is not None for name in failing)


def _checks(count: int, failing: int, waived: int) -> Text | str:
    """Return how many verdicts of how many fail, and how many of those are waived."""
    if not failing:
        return f"{count} pass" if count else "-"
    more = f", {waived} of them waived" if waived else ""
    return styled((f"{failing} of {count} fail{more}", "yellow" if waived == failing else "red"))


def age(made_at: float | None) -> str:
    """Return how long ago something was made, in the unit that fits."""
    if made_at is None:
        return "-"
    seconds = time.time() - made_at
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
