"""``mill doctor``: look at the environment, and mend what can be mended."""

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.commands.application import RECIPE, RecipeOption, app, console
from pipelines.commands.workbench import Workbench


@app.command()
def doctor(recipe: RecipeOption = RECIPE) -> None:
    """Check the environment and mend what can be mended."""
    from pipelines.commands.doctor_findings import examine

    findings = examine(Workbench(recipe))
    table = Table("what", "state", "finding")
    colours = {"ok": "green", "mended": "yellow", "problem": "red"}
    for finding in findings:
        table.add_row(finding.what, f"[{colours[finding.state]}]{finding.state}[/]", escape(finding.message))
    console.print(table)
    raise typer.Exit(1 if any(finding.state == "problem" for finding in findings) else 0)
