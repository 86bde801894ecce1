"""A training by any layout, told before it runs: what each device holds and sends, and how long a step takes."""

from collections.abc import Iterator
from typing import NamedTuple

from kernels.models.formats.fast import fresh
from kernels.specs.layout import Layout
from kernels.training.costs.hardware import Hardware
from kernels.training.costs.memory import PROCESS_BYTES
from kernels.training.costs.work import Work, step_flops
from kernels.training.learner import Setting
from kernels.training.optimization.optimizers import OptimizerConfig
from kernels.training.worlds.imagined import Imagined, Rows, imagine
from kernels.training.worlds.paces import StepTime, step_time
from pipelines.planning.trainings import Training

GROUP = 8
"""Devices that compute a block together, have a row's positions, or are a pipeline, where a strategy has any such."""


class Told(NamedTuple):
    """A step by a layout."""

    layout: Layout
    num_rows: int
    """Of all processes."""
    fullest: Imagined
    """The process that holds most: of a pipeline, the first or the last."""
    average_bytes: float
    """Of what averages of weights are made of, beside."""
    process_bytes: float
    """That a process has by itself where it has no device."""
    time: StepTime | None
    why_not: str
    """Why there is no time."""

    @property
    def held_bytes(self) -> float:
        """On a device, or by a process that has none."""
        return self.fullest.held.total + self.average_bytes + self.process_bytes


def strategies(processes: int) -> Iterator[tuple[str, Layout]]:
    """Yield the ways in which so many processes may train a model, by name, those that need more of them left out.

    Where both blocks are cut and stages are parted, what copies there are share the optimizer's state.
    """
    yield "data", Layout(processes=processes)
    if processes == 1:
        return
    yield "zero 1", Layout(processes=processes, zero=1)
    yield "zero 3", Layout(processes=processes, zero=3)
    if processes % GROUP:
        return
    yield "zero 3, offload", Layout(processes=processes, zero=3, offload="parameters")
    yield "tensor 8", Layout(processes=processes, tensor=GROUP)
    yield "context 8 x zero 3", Layout(processes=processes, context=GROUP, zero=3)
    yield "pipeline 8", Layout(processes=processes, pipeline=GROUP)
    if processes == GROUP:
        return
    yield "tensor 8 x zero 3", Layout(processes=processes, tensor=GROUP, zero=3)
    yield "pipeline 8 x zero 1", Layout(processes=processes, pipeline=GROUP, zero=1)
    if processes % GROUP**2 == 0:
        copies = {"zero": 1} if processes > GROUP**2 else {}
        yield "tensor 8 x pipeline 8", Layout.model_validate({"processes": processes, "tensor": GROUP, "pipeline": GROUP, **copies})


def tell(training: Training, layout: Layout, num_rows: int, hardware: Hardware | None) -> Told:
    """Return what a training's step is by a layout; the time is told for hardware that is named.

    Raises:
        ValueError: the model cannot be spread so, or processes cannot read as many rows each.
    """
    work = training.work
    assert work is not None
    numbers = (0, layout.processes - 1) if layout.pipeline > 1 else (0,)
    fullest = max((_imagined(training, layout, num_rows, number) for number in numbers), key=lambda found: found.held.total)
    averages = 4.0 * work.held.num_averages * fullest.num_moved
    time, why_not = None, "how fast several devices of this machine are together is not known"
    if hardware is not None:
        try:
            time, why_not = step_time(step_flops(work, num_rows), hardware.peak(work.step.precision), layout, fullest, hardware), ""
        except ValueError as error:
            why_not = str(error)
    return Told(layout, num_rows, fullest, averages, PROCESS_BYTES[work.step.device], time, why_not)


def _imagined(training: Training, layout: Layout, num_rows: int, number: int) -> Imagined:
    work = training.work
    assert work is not None
    step = work.step
    rows = Rows(num_rows, step.row_length, step.decoder_length, step.num_rows)
    setting = Setting(step.device, step.precision, False, 0.0, step.checkpointing)
    return imagine(lambda: fresh(training.shape, 1), layout, rows, setting, OptimizerConfig(optimizer=work.held.optimizer), number)


def rows_for(work: Work, layout: Layout) -> int:
    """Return the rows of a step that processes can share: the training's, or else as few more as each can have alike, one part of a pipeline each."""
    multiple = layout.num_readers * layout.num_parts
    return -(-work.most_rows // multiple) * multiple


def training_seconds(work: Work, told: Told) -> float | None:
    """Return the time of all steps of a training, validation and compilation not among them."""
    return None if told.time is None else told.time.total * work.num_rows / told.num_rows
