"""``mill layouts``: what each way to spread a model over devices would take, for numbers of devices that nobody here has."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Column, Table

from kernels.charts.worlds import Point, plot_worlds
from kernels.training.costs.hardware import HARDWARE, Hardware, hardware
from kernels.training.costs.work import Work
from kernels.training.worlds.paces import LINK_EFFICIENCY
from pipelines.planning.trainings import Training, trainings
from pipelines.planning.worlds import Told, rows_for, strategies, tell
from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.tables import memory_cell, print_whole
from pipelines.terminal.units import size
from pipelines.terminal.workbench import Workbench


@app.command()
def layouts(
    model: Annotated[str, typer.Argument(help="A model that the recipe trains.")],
    recipe: RecipeOption = RECIPE,
    devices: Annotated[str, typer.Option(help="Numbers of devices, comma-separated.")] = "8,64,512",
    on: Annotated[str, typer.Option("--on", help=f"What each of them is: {', '.join(HARDWARE)}.")] = "h100",
    rows: Annotated[int, typer.Option(min=0, help="Rows of a step; 0: the recipe's, or as few more as processes can share alike.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was found into a file, as JSON.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a plot of memory and traffic into a PNG file.")] = None,
) -> None:
    """Tell what a device would hold and send in a step by each way to spread a model, and how long it would take; nothing is made."""
    training, device, counts = _training(Workbench(recipe), model), hardware(on), _counts(devices)
    work = training.work
    if work is None:
        raise typer.BadParameter(f"{model} cannot be told: {training.why_not}")
    table = _empty_table(model)
    refused: dict[str, str] = {}
    points: dict[str, list[Point]] = {}
    found: list[dict[str, Any]] = []
    for count in counts:
        for name, layout in strategies(count):
            try:
                with console.status(f"{count} devices by {name}"):
                    told = tell(training, layout, rows or rows_for(work, layout), device)
            except ValueError as error:
                refused[name] = str(error)
                continue
            _add(table, name, told, work, device)
            points.setdefault(name, []).append(Point(count, told.held_bytes, told.fullest.sent_bytes))
            found.append(_as_json(name, told))
        table.add_section()
    print_whole(console, table)
    for name, why in refused.items():
        console.print(f"{name}: {why}")
    console.print(_about(device, work))
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1))
    if plot is not None:
        plot.write_bytes(plot_worlds(points, device.memory_bytes))


def _training(bench: Workbench, model: str) -> Training:
    found = {training.model: training for training in trainings(bench.recipe.entries, bench.lake, "cuda")}
    if model not in found:
        raise typer.BadParameter(f"the recipe trains no model {model!r}; it trains {', '.join(found) or 'none'}")
    return found[model]


def _counts(devices: str) -> list[int]:
    try:
        found = [int(each) for each in devices.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise typer.BadParameter(f"--devices {devices!r} are no numbers of devices; give some, such as 8,64,512")
    return found


def _empty_table(model: str) -> Table:
    names = ("rows", "weights", "optimizer", "gradients", "passing", "held", "sent", "step", "tokens/s")
    right = [Column(name, justify="right", no_wrap=True) for name in names]
    return Table(
        Column("devices", justify="right"), Column(f"{model} by", no_wrap=True), *right, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )


def _add(table: Table, name: str, told: Told, work: Work, device: Hardware) -> None:
    of_kinds, seconds = told.fullest.held, None if told.time is None else told.time.total
    too_much = device.memory_bytes is not None and told.held_bytes > device.memory_bytes
    table.add_row(
        str(told.layout.processes),
        name,
        str(told.num_rows),
        *(size(each) for each in (of_kinds.weights, of_kinds.optimizer + told.average_bytes, of_kinds.gradients, of_kinds.passing)),
        memory_cell(told.held_bytes, fits=not too_much),
        size(told.fullest.sent_bytes),
        "-" if seconds is None else f"{seconds:.3g} s",
        "-" if seconds is None else f"{told.num_rows * work.step.row_length / seconds:,.0f}",
    )


def _as_json(name: str, told: Told) -> dict[str, Any]:
    fullest = told.fullest
    return {
        "strategy": name,
        "layout": told.layout.model_dump(exclude_defaults=True),
        "rows": told.num_rows,
        "process": fullest.number,
        "held_bytes": {**fullest.held._asdict(), "averages": told.average_bytes, "total": told.held_bytes},
        "host_bytes": fullest.host_bytes,
        "traffic": [each._asdict() for each in fullest.traffic],
        "seconds": None if told.time is None else {**told.time._asdict(), "total": told.time.total},
        "why_no_seconds": told.why_not,
        "shapes": {key: list(shape) for key, shape in fullest.shapes.items()},
    }


def _about(device: Hardware, work: Work) -> str:
    """Return where the numbers come from."""
    links = "" if device.links is None else f", {LINK_EFFICIENCY:.0%} of its links ({device.links.source})"
    peak = f"{device.efficiency:.0%} of its peak ({device.source})"
    held = f"memory: of the fullest device at the fullest moment of a step whose blocks are not compiled, in {work.step.precision}"
    small = "models too small to keep a device busy, and messages too small to fill a link, take longer"
    return f"{held}; sent: what a ring of devices sends; time: {peak}{links}, both assumed; {small}"
