"""``mill ui``: the Dagster UI."""

import os
import socket
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

    for needed, purpose in ((port, "the Dagster UI"), (port + 1, "Data Docs")):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", needed)) == 0:
                raise typer.BadParameter(f"port {needed}, for {purpose}, is in use; choose another with --port")
    path = find_recipe(recipe)
    serve_ui(path, find_home([path], os.environ), port, console.print)
