"""``mill sql``: DuckDB over every table."""

from contextlib import closing
from typing import Annotated

import typer
from rich.table import Table

from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.workbench import Workbench

SHOWN_ROWS = 200
SHOWN_CHARS = 200


@app.command()
def sql(query: Annotated[str, typer.Argument(help="DuckDB SQL; mill sql 'show tables' lists what there is.")], recipe: RecipeOption = RECIPE) -> None:
    """Ask DuckDB about every artifact's tables."""
    import duckdb

    from resources.storage.warehouse import NotARead, ask, open_warehouse

    bench = Workbench(recipe)
    with closing(open_warehouse(bench.lake, bench.recipe.name)) as warehouse:
        try:
            for asset, partition, file, reason in ask(warehouse, "SELECT * FROM unreadable").fetchall():
                console.print(styled(("left out", "red"), f" {asset}[{partition}]: {file}: {reason}; mill up makes it again"))
            result = ask(warehouse, query)
        except (duckdb.Error, NotARead) as error:
            console.print(styled((error, "red")))
            raise typer.Exit(1) from None
        table = Table(*(column[0] for column in result.description or []))
        rows = result.fetchmany(SHOWN_ROWS + 1)
        for row in rows[:SHOWN_ROWS]:
            table.add_row(*(str(value)[:SHOWN_CHARS] for value in row))
        console.print(table)
        if len(rows) > SHOWN_ROWS:
            console.print(f"only the first {SHOWN_ROWS} rows are shown; ask for fewer, or count them")
