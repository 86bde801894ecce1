"""``mill status``: every artifact on a line."""

from rich import box
from rich.table import Column, Table
from rich.text import Text

from assets.graph.state import GraphState
from assets.graph.waivers import quarantine_of
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.tables import print_whole
from pipelines.terminal.units import age, brief, count, size
from pipelines.terminal.waivers import print_waivers
from pipelines.terminal.workbench import Workbench
from resources.storage.look import CellRecord


@app.command()
def status(recipe: RecipeOption = RECIPE) -> None:
    """Print a table of every artifact: cells, rows, size, age, checks, cost."""
    bench = Workbench(recipe)
    state = bench.known()
    right = [Column(name, justify="right", no_wrap=True) for name in ("cells", "rows", "size", "age")]
    columns = [Column("artifact", no_wrap=True), *right, Column("checks", no_wrap=True), Column("cost", justify="right", no_wrap=True)]
    table = Table(*columns, title=bench.recipe.name, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name, artifact in bench.graph.artifacts.items():
        records = [state.record(name, partition) for partition in artifact.partitions(state.observed)]
        manifests = [record.manifest for record in records if record.manifest is not None]
        asked = [check.name for suite in bench.graph.suites.get(name, []) for check in suite.checks]
        verdicts = [verdict for record in records for check, verdict in record.verdicts.items() if check in asked]
        failing = [verdict for verdict in verdicts if not verdict.passed]
        waived = sum(_num_waived(state, record) for record in records)
        table.add_row(
            name,
            f"{len(manifests)}" if len(manifests) == len(records) else f"{len(manifests)} of {len(records)}",
            count(sum(manifest.num_rows or 0 for manifest in manifests)) if manifests else "-",
            size(sum(manifest.size_bytes for manifest in manifests)) if manifests else "-",
            age(max((manifest.made_at for manifest in manifests), default=None)),
            _checks(len(verdicts), len(failing), waived, any(verdict.blocking for verdict in failing)),
            brief(sum(manifest.seconds for manifest in manifests)) if manifests else "-",
        )
    print_whole(console, table)
    print_waivers(state)


def _num_waived(state: GraphState, record: CellRecord) -> int:
    """Return how many failing checks of a cell the recipe waives."""
    manifest = record.manifest
    if manifest is None:
        return 0
    failing = [name for name, verdict in record.verdicts.items() if not verdict.passed]
    everything = quarantine_of(state.graph.waivers, manifest) is not None
    return sum(everything or state.acceptances.of(manifest, name) is not None for name in failing)


def _checks(number: int, num_failing: int, num_waived: int, blocks: bool) -> Text | str:
    """Return what verdicts come to: how many fail, which block or only warn, and how many of those are waived."""
    if not num_failing:
        return f"{number} pass" if number else "-"
    more = f", {num_waived} waived" if num_waived else ""
    word, style = ("fail", "red") if blocks and num_waived < num_failing else ("warn", "yellow")
    return styled((f"{num_failing} of {number} {word}{more}", style))
