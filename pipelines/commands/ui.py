"""``mill ui``: the Dagster UI."""

import errno
import os
import socket
from typing import Annotated

import typer

from pipelines.settings import find_home, find_recipe
from pipelines.terminal.application import RECIPE, RecipeOption, app, console


@app.command()
def ui(
    recipe: RecipeOption = RECIPE,
    port: Annotated[int, typer.Option(min=1, max=65534, help="Of the Dagster UI; Data Docs are served on the next one.")] = 3000,
) -> None:
    """Open the Dagster UI with its daemon on the recipe's home, and serve Data Docs beside it."""
    from pipelines.daemon.user_interface import serve_ui

    for needed, purpose in ((port, "the Dagster UI"), (port + 1, "Data Docs")):
        fault = _fault_of(needed)
        if fault is not None:
            raise typer.BadParameter(f"port {needed}, for {purpose}, {fault}; choose another with --port")
    path = find_recipe(recipe)
    serve_ui(path, find_home([path], os.environ), port, console.print)


def _fault_of(port: int) -> str | None:
    """Return why nothing can be served on a port of this machine, None where it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do, so that one which has just ended takes no port
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had ({os.strerror(error.errno or 0).lower()})"
    return None
