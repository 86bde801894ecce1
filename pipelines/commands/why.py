"""``mill why``: what became of one document."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from kernels.documents.conversations import transcript
from kernels.specs.turns import Turn
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.workbench import Workbench

if TYPE_CHECKING:
    from assets.records.trace import DocumentTrace

SHOWN_ROWS = 40
SHOWN_CHARS = 400


@app.command()
def why(document: Annotated[str, typer.Argument(help="a document's id, such as web/pages.warc#urn:uuid:...")], recipe: RecipeOption = RECIPE) -> None:
    """Tell what became of one document: where it came from, what each stage made of it and why, and what was made from it."""
    from assets.records.trace import trace_document

    bench = Workbench(recipe)
    try:
        trace = trace_document(bench.lake, bench.recipe.name, document)
    except KeyError as error:
        console.print(styled((error.args[0], "red")))
        raise typer.Exit(1) from error
    table = Table(Column("", style="bold"), Column("", overflow="fold", ratio=1), show_header=False, title=trace.id)
    for name, text in _rows(trace):
        table.add_row(name, text)
    console.print(table)


def _rows(trace: "DocumentTrace") -> Iterator[tuple[str, str]]:
    """Yield the story's lines: what they are about, and the text."""
    row = trace.document or trace.reject or {}
    yield "outcome", trace.outcome
    yield "from", f"{row['path']} in {trace.partition}" + (f", {row['url']}" if row.get("url") else "")
    if trace.document is not None:
        yield "title", str(row["title"] or "-")
        yield "metadata", row["metadata"]
        text = row["text"] if row["turns"] is None else transcript(Turn(**turn) for turn in row["turns"])
        yield "text", text[:SHOWN_CHARS] + ("…" if len(text) > SHOWN_CHARS else "")
    if trace.reject is not None:
        yield "reject", f"{trace.reject['reason']}: {trace.reject['detail']}"
    for tag in trace.tags:
        yield "measured", f"{tag['filter']}: {tag['name']} {tag['label'] if tag['label'] is not None else format(tag['value'], '.4g')}"
    if trace.dropped is not None:
        value = "" if trace.dropped["value"] is None else f", value {trace.dropped['value']:.4g}"
        yield "dropped", f"by {trace.dropped['filter']}: {trace.dropped['reason']}{value}"
    if trace.duplicate is not None:
        yield "duplicate", f"{trace.duplicate['kind']}, of {trace.duplicate['kept_id']}, similarity {trace.duplicate['similarity']:.3f}"
    for other in trace.duplicates[:SHOWN_ROWS]:
        yield "stands for", f"{other['id']} ({other['kind']}, similarity {other['similarity']:.3f})"
    for cut in trace.cuts:
        yield "cut", f"characters {cut['start']} to {cut['end']}, which {cut['kept_id']} has"
    for found in trace.contaminated:
        yield "contaminated", f"item {found['item']} of {found['evals']}: {found['ngram']!r}"
    if trace.num_tokens is not None:
        yield "tokens", f"{trace.num_tokens} in tokens/shards[{trace.partition}]"
    for mixture, runs in trace.stands_in:
        for run in runs[:SHOWN_ROWS]:
            again = "" if not run.get("is_earlier") else ", replayed" if run["split"] == "train" else ", held out before"
            where = f"{mixture}, {run['split']} row {run['row']}, positions {run['start']} to {run['start'] + run['length'] - 1}"
            yield "stands in", f"{where}: its tokens {run['first_token']} to {run['first_token'] + run['length'] - 1}{again}"
        if len(runs) > SHOWN_ROWS:
            yield "stands in", f"{mixture}, {len(runs) - SHOWN_ROWS} more runs"
    for name, content in trace.made_from_it:
        yield "made from it", f"{name} {content}"
