"""The command line: ``mill``. Each command is a few lines over the planner, the lake and the warehouse."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pipelines.planner import Plan, observe_sources, plan
from pipelines.recipe import nearest, recipe_type
from pipelines.settings import find_home, find_recipe
from pipelines.workbench import Workbench
from resources.home import Busy
from resources.lake import Cell, Manifest
from resources.registry import standing_cells

if TYPE_CHECKING:
    from assets.life import Life

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Makes language models the way good factories make things."
)
console = Console(highlight=False)
RecipeOption = Annotated[str, typer.Option("--recipe", "-r", envvar="MILL_RECIPE", help="Recipe file, or the name of a shipped one.")]
RECIPE = "demo"
SHOWN_CELLS = 40
SHOWN_CHARS = 400


@app.command()
def up(
    selection: Annotated[
        str | None, typer.Argument(help="Asset to make with all it comes from; name+ adds what hangs on it; name[partition].")
    ] = None,
    recipe: RecipeOption = RECIPE,
) -> None:
    """Materialize what is stale, and only that."""
    started = time.perf_counter()
    bench = Workbench(recipe)
    chosen, cells = bench.select(selection)
    with console.status("observing sources"):
        planned = plan(bench.graph, bench.lake, observe_sources(bench.graph, bench.lake))
    waiting = [p for p in planned.having("stale", "pending", "unjudged") if p.cell.asset in chosen and (cells is None or p.cell in cells)]
    if not waiting:
        _print_left(planned.having("blocked", "held"))
        console.print(f"[green]nothing to do[/]: {len(planned.cells)} cells are as they should be ({time.perf_counter() - started:.1f} s)")
        raise typer.Exit(1 if planned.having("blocked", "held") else 0)
    from pipelines.progress_bars import bring_up_with_bars

    result = bring_up_with_bars(bench, len(waiting), chosen, cells)
    seconds = time.perf_counter() - started
    console.print(f"[green]{len(result.made)} cells made[/] in {result.num_runs} runs, {seconds:.0f} s")
    for cell, message in result.failed.items():
        console.print(f"[red]failed[/] {escape(str(cell))}: {escape(message)}")
    _print_left([left for left in result.left if left.state in ("blocked", "held")])
    if result.failed or result.left:
        raise typer.Exit(1)
    _print_where_to_look(bench)


def _print_where_to_look(bench: Workbench) -> None:
    option = "" if bench.recipe.name == RECIPE else f" --recipe {bench.recipe.path}"
    models = list(bench.recipe.entries.models)
    console.print("look:  [bold]make ui[/] (or mill ui): graph, checks, plots in the browser")
    for command in ("status", *(["show evals/leaderboard"] if bench.recipe.entries.evals else []), *([f"chat {models[-1]}"] if models else [])):
        console.print(f"       mill {command}{option}")


def _print_left(cells: list[Any]) -> None:
    for left in cells:
        console.print(f"[red]{left.state}[/] {escape(str(left.cell))}: {escape(left.reason)}")


@app.command("plan")
def show_plan(recipe: RecipeOption = RECIPE) -> None:
    """Print each stale cell with its reason, and change nothing."""
    bench = Workbench(recipe)
    planned: Plan = plan(bench.graph, bench.lake, observe_sources(bench.graph, bench.lake))
    waiting = [p for p in planned.cells if p.state != "fresh"]
    if not waiting:
        console.print(f"[green]nothing to do[/]: {len(planned.cells)} cells are as they should be")
        return
    table = Table(
        Column("cell", overflow="fold"), "state", Column("reason", ratio=1, overflow="fold"), title=f"{len(waiting)} of {len(planned.cells)} cells"
    )
    for p in waiting:
        table.add_row(escape(str(p.cell)), p.state, escape(p.reason))
    console.print(table)


@app.command()
def status(recipe: RecipeOption = RECIPE) -> None:
    """Print a table of every artifact: rows, bytes, age, checks, cost."""
    bench = Workbench(recipe)
    table = Table("artifact", "cells", "rows", "bytes", "age", "checks", "cost (s)", title=bench.recipe.name)
    by_asset: dict[str, list[Cell]] = {}
    for cell in standing_cells(bench.lake, bench.recipe.name):
        by_asset.setdefault(cell.asset, []).append(cell)
    for name in bench.graph.artifacts:
        cells = by_asset.get(name, [])
        manifests = [manifest for cell in cells if (manifest := bench.lake.manifest(cell))]
        verdicts = [verdict for cell in cells for verdict in bench.lake.verdicts(cell).values()]
        failing = sum(not verdict.passed for verdict in verdicts)
        table.add_row(
            name,
            str(len(cells)),
            f"{sum(manifest.num_rows or 0 for manifest in manifests):,}",
            f"{sum(manifest.size_bytes for manifest in manifests):,}",
            _age(max((manifest.made_at for manifest in manifests), default=None)),
            f"[red]{failing} of {len(verdicts)} fail[/]" if failing else f"{len(verdicts)} pass" if verdicts else "-",
            f"{sum(manifest.seconds for manifest in manifests):.1f}",
        )
    console.print(table)


def _age(made_at: float | None) -> str:
    if made_at is None:
        return "-"
    seconds = time.time() - made_at
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


@app.command()
def show(artifact: Annotated[str, typer.Argument(help="asset or asset[partition]")], recipe: RecipeOption = RECIPE) -> None:
    """Print an artifact's manifest, metadata and sample."""
    bench = Workbench(recipe)
    name, _, partition = artifact.rstrip("]").partition("[")
    cells = [cell for cell in standing_cells(bench.lake, bench.recipe.name) if cell.asset == name and (not partition or cell.partition == partition)]
    if not cells:
        known = sorted({str(cell) for cell in standing_cells(bench.lake, bench.recipe.name)})
        raise typer.BadParameter(f"nothing is made under {artifact!r}; {nearest(artifact, known)}")
    if len(cells) > 1:
        console.print(f"{name} has {len(cells)} partitions: {', '.join(str(cell.partition) for cell in cells)}")
    _show_cell(bench, cells[0])


def _show_cell(bench: Workbench, cell: Cell) -> None:
    from rich.markdown import Markdown

    manifest: Manifest = bench.lake.require(cell)
    table = Table(show_header=False, title=str(cell))
    for key, value in manifest.model_dump(exclude={"metadata", "files", "parents"}).items():
        table.add_row(key, escape(str(value)))
    table.add_row("folder", str(bench.lake.folder(cell)))
    for parent in manifest.parents[:SHOWN_CELLS]:
        table.add_row("made from", f"{escape(parent.name)} {parent.content}")
    for name, size in manifest.files.items():
        table.add_row("file", f"{name} {size:,} bytes")
    for name, verdict in bench.lake.verdicts(cell).items():
        table.add_row(f"check {name}", f"{'pass' if verdict.passed else '[red]FAIL[/]'}: {escape(verdict.description)}")
    console.print(table)
    for name, value in manifest.metadata.items():
        if isinstance(value, dict) and "markdown" in value:
            console.print(f"[bold]{name}[/]")
            console.print(Markdown(value["markdown"]))
        elif not isinstance(value, dict):
            console.print(f"{name}: {escape(str(value))}")


@app.command()
def why(document: Annotated[str, typer.Argument(help="a document's id, such as web/pages.warc#urn:uuid:...")], recipe: RecipeOption = RECIPE) -> None:
    """Tell the life of one document: where it came from, what each stage made of it and why, and what was made from it."""
    from assets.life import tell_life

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
    for other in life.duplicates[:SHOWN_CELLS]:
        yield "stands for", f"{other['id']} ({other['kind']}, similarity {other['similarity']:.3f})"
    for cut in life.cuts:
        yield "cut", f"characters {cut['start']} to {cut['end']}, which {cut['kept_id']} has"
    for found in life.contaminated:
        yield "contaminated", f"item {found['item']} of {found['eval']}: {found['ngram']!r}"
    if life.num_tokens is not None:
        yield "tokens", f"{life.num_tokens} in tokens/shards[{life.partition}]"
    for name, content in life.made_from_it:
        yield "made from it", f"{name} {content}"


@app.command()
def sql(query: Annotated[str, typer.Argument(help="DuckDB SQL; mill sql 'show tables' lists what there is.")], recipe: RecipeOption = RECIPE) -> None:
    """Ask DuckDB about every artifact's tables."""
    import duckdb

    from resources.warehouse import open_warehouse

    bench = Workbench(recipe)
    with closing(open_warehouse(bench.lake, bench.recipe.name)) as warehouse:
        try:
            result = warehouse.execute(query)
        except duckdb.Error as error:
            console.print(f"[red]{escape(str(error))}[/]")
            raise typer.Exit(1) from None
        table = Table(*(column[0] for column in result.description or []))
        for row in result.fetchmany(200):
            table.add_row(*(escape(str(value)[:200]) for value in row))
        console.print(table)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder with your data: text, code, WARC, chat logs or Wikipedia dumps.")]) -> None:
    """Scaffold a recipe beside your data."""
    from pipelines.scaffold import scaffold

    path = scaffold(folder)
    console.print(f"wrote {path}\nnext: mill plan --recipe {path}, then mill up --recipe {path}")


@app.command()
def doctor(recipe: RecipeOption = RECIPE) -> None:
    """Check the environment and mend what can be mended."""
    from pipelines.doctor import examine

    findings = examine(Workbench(recipe))
    table = Table("what", "state", "finding")
    colours = {"ok": "green", "mended": "yellow", "problem": "red"}
    for finding in findings:
        table.add_row(finding.what, f"[{colours[finding.state]}]{finding.state}[/]", escape(finding.message))
    console.print(table)
    raise typer.Exit(1 if any(finding.state == "problem" for finding in findings) else 0)


@app.command()
def chat(
    model: Annotated[str, typer.Argument(help="A model of the recipe, such as dpo.")],
    recipe: RecipeOption = RECIPE,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token each time.")] = 0.7,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = 0,
) -> None:
    """Talk with a checkpoint in the terminal."""
    from assets.models import model_asset
    from kernels import checkpoints
    from kernels.documents import Turn

    bench = Workbench(recipe)
    if model not in bench.recipe.entries.models:
        raise typer.BadParameter(f"no model is named {model!r}; {nearest(model, list(bench.recipe.entries.models))}")
    folder = bench.lake.folder(Cell(bench.recipe.name, model_asset(model)))
    with console.status(f"loading {model}"):
        loaded = checkpoints.load(folder, "cpu")
    console.print(f"{model} of {bench.recipe.name}; an empty line or ctrl-d ends")
    turns: list[Turn] = []
    while (line := _ask()) is not None:
        turns.append(Turn(role="user", content=line))
        answer = ""
        for piece in checkpoints.chat(loaded, turns, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed):
            answer += piece
            sys.stdout.write(piece)
            sys.stdout.flush()
        console.print()
        turns.append(Turn(role="assistant", content=answer.strip()))


def _ask() -> str | None:
    try:
        return console.input("[bold cyan]> [/]").strip() or None
    except (EOFError, KeyboardInterrupt):
        return None


@app.command()
def ui(
    recipe: RecipeOption = RECIPE,
    port: Annotated[int, typer.Option(help="Of the Dagster UI; Data Docs are served on the next one.")] = 3000,
) -> None:
    """Open the Dagster UI with its daemon on the recipe's home, and serve Data Docs beside it."""
    from pipelines.user_interface import serve_ui

    path = find_recipe(recipe)
    serve_ui(path, find_home([path], os.environ), port, console.print)


@app.command()
def graph(recipe: RecipeOption = RECIPE) -> None:
    """Print every asset with what it hangs on and its checks, one line each."""
    bench = Workbench(recipe)
    for kind, names in (("sources", bench.graph.sources), ("inputs", bench.graph.inputs)):
        for name in names:
            print(f"{kind}/{name}")
    for artifact in bench.graph.artifacts.values():
        checks = [check.name for suite in bench.graph.suites.get(artifact.name, []) for check in suite.checks]
        shape = " per partition" if artifact.partitioned else ""
        print(f"{artifact.name} [{artifact.code_version}{shape}] <- {', '.join(artifact.upstream)}" + (f" ? {', '.join(checks)}" if checks else ""))


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    import json

    print(json.dumps(recipe_type().model_json_schema(), indent=1))


def main() -> None:
    """Run the command line; what the user can mend is one line, not a traceback."""
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError, Busy) as error:
        console.print(f"[red]{escape(str(error))}[/]")
        sys.exit(2)


if __name__ == "__main__":
    main()
