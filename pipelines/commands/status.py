"""``mill status``: every artifact on a line."""

from rich import box
from rich.table import Column, Table

from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.tables import print_whole
from pipelines.terminal.units import age, brief, count, size
from pipelines.terminal.workbench import Workbench


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
        table.add_row(
            name,
            f"{len(manifests)}" if len(manifests) == len(records) else f"{len(manifests)} of {len(records)}",
            count(sum(manifest.num_rows or 0 for manifest in manifests)) if manifests else "-",
            size(sum(manifest.size_bytes for manifest in manifests)) if manifests else "-",
            age(max((manifest.made_at for manifest in manifests), default=None)),
            _checks(len(verdicts), len(failing), any(verdict.blocking for verdict in failing)),
            brief(sum(manifest.seconds for manifest in manifests)) if manifests else "-",
        )
    print_whole(console, table)


def _checks(number: int, num_failing: int, blocks: bool) -> str:
    """Return what verdicts come to: those that fail block, or only warn."""
    if num_failing:
        return f"[red]{num_failing} of {number} fail[/]" if blocks else f"[yellow]{num_failing} of {number} warn[/]"
    return f"{number} pass" if number else "-"
