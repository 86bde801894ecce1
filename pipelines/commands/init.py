"""``mill init``: a recipe beside the user's data."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.terminal.application import app, console


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder with your data: text, code, WARC, chat logs or Wikipedia dumps.")]) -> None:
    """Scaffold a recipe beside your data."""
    from pipelines.recipe.scaffold import scaffold

    path = scaffold(folder)
    console.print(f"wrote {path}\nnext: mill plan --recipe {path}, then mill up --recipe {path}")
