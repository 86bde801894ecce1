"""``mill sql``: DuckDB over every table."""

from contextlib import closing
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.workbench import Workbench


@app.command()
def sql(query: Annotated[str, typer.Argument(help="DuckDB SQL; mill sql 'show tables' lists what there is.")], recipe: RecipeOption = RECIPE) -> None:
    """Ask DuckDB about every artifact's tables."""
    import duckdb

    from resources.storage.warehouse import open_warehouse

    bench = Workbench(recipe)
    with closing(open_warehouse(bench.lake, bench.recipe.name)) as warehouse:
        try:
            result = warehouse.execute(query)
        except duckdb.Error as error:
            console.print(f"[red]{escape(str(error))}[/]")
            raise typer.Exit(1) from None
        table = Table(*(column[0] for column in result.description or []))
        for row in result.fetchmany(200):
            table.add_row(*(escape(str(value)[:200]) for value in row))
        console.print(table)
