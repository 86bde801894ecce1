"""What commands share: the application they belong to, the terminal, and the option that names a recipe."""

from importlib import metadata
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Makes language models the way good factories make things.")
console = Console(highlight=False)
RecipeOption = Annotated[str, typer.Option("--recipe", "-r", envvar="MILL_RECIPE", help="Recipe file, or the name of a shipped one.")]
RECIPE = "demo"
"""The recipe that a command means where none is named."""


def _print_version(asked: bool) -> None:
    if asked:
        console.print(f"modelmill {metadata.version('modelmill')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_print_version)] = False,
) -> None:
    """Makes language models the way good factories make things."""
