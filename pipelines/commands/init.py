"""``mill init``: a recipe beside the user's data."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipelines.terminal.application import app, console


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder with your data: text, pages, documents, code, tables, WARC, chats or dumps.")]) -> None:
    """Scaffold a recipe beside your data."""
    from pipelines.recipe.scaffold import scaffold_with_account

    written = scaffold_with_account(folder)
    for line in written.account:
        console.print(line, soft_wrap=True)
    path = shlex.quote(str(written.path))
    console.print(f"wrote {written.path}\nnext: mill plan --recipe {path}, then mill up --recipe {path}", soft_wrap=True)
