"""``mill ui``: the Dagster UI."""

import os
from typing import Annotated

import typer

from pipelines.settings import find_home, find_recipe
from pipelines.terminal.application import RECIPE, RecipeOption, app, console


@app.command()
def ui(
    recipe: RecipeOption = RECIPE,
    port: Annotated[int, typer.Option(help="Of the Dagster UI; Data Docs are served on the next one.")] = 3000,
) -> None:
    """Open the Dagster UI with its daemon on the recipe's home, and serve Data Docs beside it."""
    from pipelines.daemon.user_interface import serve_ui

    path = find_recipe(recipe)
    serve_ui(path, find_home([path], os.environ), port, console.print)
