"""``mill why``: what became of one document."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from pipelines.commands.application import RECIPE, RecipeOption, app, console
from pipelines.commands.workbench import Workbench

if TYPE_CHECKING:
    from assets.records.trace import Life

SHOWN_ROWS = 40
SHOWN_CHARS = 400


@app.command()
def why(document: Annotated[str, typer.Argument(help="a document's id, such as web/pages.warc#urn:uuid:...")], recipe: RecipeOption = RECIPE) -> None:
    """Tell the life of one document: where it came from, what each stage made of it and why, and what was made from it."""
    from assets.records.trace import tell_life

    bench = Workbench(recipe)
    try:
        life = tell_life(bench.lake, bench.recipe.name, document)
    except KeyError as error:
        console.print(f"[red]{escape(str(error.args[0]))}[/]")
        raise typer.Exit(1) from error
    table = Table(Column("", style="bold"), Column("", overflow="fold", ratio=1), show_header=False, title=escape(life.id))
    for name, text in _life_rows(life):
        table.add_row(name, escape(text))
    console.print(table)


def _life_rows(life: "Life") -> Iterator[tuple[str, str]]:
    """Yield the story's lines: what they are about, and the text."""
    row = life.document or life.reject or {}
    yield "fate", life.fate
    yield "from", f"{row['path']} in {life.partition}" + (f", {row['url']}" if row.get("url") else "")
    if life.document is not None:
        yield "title", str(row["title"] or "-")
        yield "metadata", row["metadata"]
        yield "text", row["text"][:SHOWN_CHARS] + ("…" if len(row["text"]) > SHOWN_CHARS else "")
    if life.reject is not None:
        yield "reject", f"{life.reject['reason']}: {life.reject['detail']}"
    for tag in life.tags:
        yield "measured", f"{tag['filter']}: {tag['name']} {tag['label'] if tag['label'] is not None else format(tag['value'], '.4g')}"
    if life.dropped is not None:
        value = "" if life.dropped["value"] is None else f", value {life.dropped['value']:.4g}"
        yield "dropped", f"by {life.dropped['filter']}: {life.dropped['reason']}{value}"
    if life.duplicate is not None:
        yield "duplicate", f"{life.duplicate['kind']}, of {life.duplicate['kept_id']}, similarity {life.duplicate['similarity']:.3f}"
    for other in life.duplicates[:SHOWN_ROWS]:
        yield "stands for", f"{other['id']} ({other['kind']}, similarity {other['similarity']:.3f})"
    for cut in life.cuts:
        yield "cut", f"characters {cut['start']} to {cut['end']}, which {cut['kept_id']} has"
    for found in life.contaminated:
        yield "contaminated", f"item {found['item']} of {found['eval']}: {found['ngram']!r}"
    if life.num_tokens is not None:
        yield "tokens", f"{life.num_tokens} in tokens/shards[{life.partition}]"
    for name, content in life.made_from_it:
        yield "made from it", f"{name} {content}"
