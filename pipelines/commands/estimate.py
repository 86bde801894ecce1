"""``mill estimate``: what the models of a recipe take, before any of them is trained."""

import os
from typing import Annotated

import typer
from rich import box
from rich.table import Column, Table

from kernels.training.costs.hardware import CPU_EFFICIENCY, GPU_EFFICIENCY, HARDWARE, Hardware, hardware, memory_bytes
from kernels.training.costs.memory import training_memory
from kernels.training.costs.work import Work, dollars, seconds_here, seconds_on, training_flops
from pipelines.planning.trainings import Training, trainings
from pipelines.planning.worlds import tell, training_seconds
from pipelines.recipe.schema import RecipeBase
from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.tables import memory_cell, print_whole
from pipelines.terminal.units import count, duration, size
from pipelines.terminal.workbench import Workbench
from resources.devices.leases import num_cores, visible_gpus

HERE = "here"
CENT = 0.01
NAMES = ", ".join([HERE, *HARDWARE])


@app.command()
def estimate(
    recipe: RecipeOption = RECIPE,
    on: Annotated[str, typer.Option("--on", help=f"One device of: {NAMES}. This machine is tried for some seconds, the others are not.")] = HERE,
) -> None:
    """Tell parameters, memory, FLOPs, time and cost of each model that the recipe trains; nothing is made."""
    bench = Workbench(recipe)
    entries = bench.recipe.entries
    found: list[Training] = []
    for device, models in _devices(entries, on):
        of_device = [training for training in trainings(entries, bench.lake, device.kind) if training.model in models]
        told = [training for training in of_device if training.work is not None]
        alone = [training for training in told if entries.models[training.model].run.processes == 1]
        spread = [training for training in told if training not in alone]
        if alone:
            print_whole(console, _table(alone, device, is_here=on == HERE))
        if spread:
            table, refused = _spread_table(spread, entries, device, is_here=on == HERE)
            print_whole(console, table)
            for model, why in refused.items():
                console.print(f"{model}: cannot be spread so: {why}")
        if told:
            console.print(_about(device, is_here=on == HERE))
        found += of_device
    if not found:
        console.print("the recipe trains no model")
    for training in found:
        if training.work is None:
            console.print(f"{training.model}: cannot be told: {training.why_not}")


def _devices(entries: RecipeBase, on: str) -> list[tuple[Hardware, set[str]]]:
    """Return devices with the models that are told on each: of this machine its GPU, where it has one, but for models that ask for the CPU."""
    models = set(entries.models)
    if on != HERE:
        return [(hardware(on), models)]
    of_cpu = {name for name, entry in entries.models.items() if entry.run.device == "cpu"} if visible_gpus() else models
    return [(this_gpu(), models - of_cpu), (this_cpu(), of_cpu)] if models - of_cpu else [(this_cpu(), of_cpu)]


def this_gpu() -> Hardware:
    """Return the GPU at hand: what it computes is measured shape by shape, not by its peak."""
    import torch

    gpu = torch.cuda.get_device_properties(0)
    return Hardware(HERE, {}, memory_bytes("cuda"), 0.0, None, GPU_EFFICIENCY, f"this machine's {gpu.name}", "cuda")


def this_cpu() -> Hardware:
    """Return the CPU at hand, measured likewise."""
    return Hardware(HERE, {}, memory_bytes("cpu"), 0.0, None, CPU_EFFICIENCY, f"this machine with {num_cores()} threads", "cpu")


def _table(told: list[Training], device: Hardware, *, is_here: bool) -> Table:
    right = [Column(name, justify="right", no_wrap=True) for name in ("parameters", "tokens", "FLOPs", "memory", "time", "cost")]
    table = Table(Column("model", no_wrap=True), *right, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for training in told:
        work = training.work
        assert work is not None
        memory = training_memory(work.counts, work.step, work.held).total
        too_much = device.memory_bytes is not None and memory > device.memory_bytes
        seconds = seconds_on(work, device) if not is_here else None if too_much else seconds_at_hand(work)  # a stand-in would find no room either
        price = None if seconds is None else dollars(seconds, device)
        table.add_row(
            training.model,
            count(work.counts.num_parameters),
            count(work.num_tokens),
            f"{training_flops(work):.3g}",
            memory_cell(memory, fits=not too_much),
            "-" if seconds is None else duration(seconds),
            _price(price),
        )
    return table


def _spread_table(told: list[Training], entries: RecipeBase, device: Hardware, *, is_here: bool) -> tuple[Table, dict[str, str]]:
    """Return what each process of trainings by several takes, and why models cannot be spread as they ask."""
    refused: dict[str, str] = {}
    right = [Column(name, justify="right", no_wrap=True) for name in ("processes", "held by each", "sent in a step", "time", "cost")]
    table = Table(Column("model", no_wrap=True), Column("run"), *right, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for training in told:
        work, layout = training.work, entries.models[training.model].run
        assert work is not None
        run = ", ".join(
            f"{key} {value}" for key, value in layout.model_dump(exclude_defaults=True, exclude={"processes", "device", "config"}).items()
        )
        try:
            found = tell(training, layout, work.most_rows, None if is_here else device)
        except ValueError as error:
            refused[training.model] = str(error)
            table.add_row(training.model, run, str(layout.processes), *"----")
            continue
        seconds = training_seconds(work, found)
        price = None if seconds is None else dollars(seconds * layout.processes, device)
        together = layout.processes if device.kind == "cpu" else 1  # processes share the machine's memory
        too_much = device.memory_bytes is not None and found.held_bytes * together > device.memory_bytes
        table.add_row(
            training.model,
            run,
            str(layout.processes),
            memory_cell(found.held_bytes, fits=not too_much),
            size(found.fullest.sent_bytes),
            "-" if seconds is None else duration(seconds),
            _price(price),
        )
    return table, refused


def _price(price: float | None) -> str:
    return "-" if price is None else f"${price:,.2f}" if price >= CENT else "under $0.01"


def seconds_at_hand(work: Work) -> float:
    """Return the time of a training on this machine, with as many threads as a training gets."""
    import torch

    from kernels.training.costs.calibration import measure_pace

    torch.set_num_threads(num_cores())
    return seconds_here(work, measure_pace(work.counts, work.step, compiled=work.is_compiled and work.step.device == "cuda"))


def _about(device: Hardware, *, is_here: bool) -> str:
    """Return where the numbers come from."""
    if is_here:
        busy = os.getloadavg()[0]
        more = f"; it is busy with other work (load {busy:.1f}), so that all takes longer now than alone" if busy > num_cores() / 2 else ""
        return f"time: a stand-in of each model was timed on {device.source}{more}; memory: {size(device.memory_bytes or 0)} are there"
    peaks = ", ".join(f"{peak / 1e12:.3g} TFLOP/s in {precision}" for precision, peak in device.peak_flops.items())
    busy = "; a model too small to keep it busy takes longer" if device.kind == "cuda" else ""
    return f"time: {device.efficiency:.0%} of the peak is assumed ({peaks}; {device.source}){busy}"
