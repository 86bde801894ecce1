"""``mill init``: a recipe beside the user's data."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.terminal.application import app, console


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder with your data: text, pages, documents, code, tables, WARC, chats or dumps.")]) -> None:
    """Scaffold a recipe beside your data."""
    from pipelines.recipe.scaffold import scaffold_with_account

    written = scaffold_with_account(folder)
    for line in written.account:
        console.print(escape(line))
    path = escape(shlex.quote(str(written.path)))
    console.print(f"wrote {escape(str(written.path))}\nnext: mill plan --recipe {path}, then mill up --recipe {path}", soft_wrap=True)
