"""What commands share: the application they belong to, the terminal, and the option that names a recipe."""

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Makes language models the way good factories make things."
)
console = Console(highlight=False)
RecipeOption = Annotated[str, typer.Option("--recipe", "-r", envvar="MILL_RECIPE", help="Recipe file, or the name of a shipped one.")]
RECIPE = "demo"
"""The recipe that a command means where none is named."""
