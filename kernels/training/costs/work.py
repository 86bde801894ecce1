"""What a training takes, told before it runs: FLOPs, seconds, money.

On hardware that is named, seconds are FLOPs over a share of the peak, what the optimizer moves over the memory's bandwidth, and compilation. On the
machine at hand they come from products that were timed on it (calibration.py).
"""

from typing import NamedTuple

from kernels.specs.architectures import Counts
from kernels.training.costs.calibration import Pace
from kernels.training.costs.hardware import Hardware
from kernels.training.costs.memory import ALONE, Device, Held, Step

UPDATE_BYTES = 32
"""Moved a parameter and step by clipping and AdamW in float32: the gradient twice, weight and both moments read and written."""
LAUNCH_SECONDS = 1.0
"""From the start of a model's process to its first step, and from the last to the checkpoint that stands, for small models; measured on two cores."""
COMPILATION_SECONDS: dict[Device, float] = {"cpu": 36.0, "cuda": 40.0}
"""What compiling costs once: of a decoder of 4M parameters on one core, and of one of 124M on an H100."""
COMPILED_SHARE: dict[Device, float] = {"cpu": 0.59, "cuda": 1.0}
"""Of the time of gradients where they are compiled: 4 rows of 256 tokens, one core; on a GPU what is timed is compiled."""
HOUR = 3600


class Work(NamedTuple):
    """A training as a recipe asks for it."""

    counts: Counts
    num_steps: int
    num_rows: int
    """That are learned from."""
    num_tokens: int
    """Of the mixture, that are in them."""
    pieces: tuple[tuple[int, tuple[int, int]], ...]
    """What is learned from as it is read: how many pieces of rows, or whole ones, and the positions that each comes to, as in ``step``."""
    step: Step
    """What passes the model together: a step of the optimizer may add up the gradients of several."""
    num_validation_rows: int
    """In all validations together."""
    is_compiled: bool
    most_rows: int
    """Of a step of the optimizer."""
    output_share: float = 1.0
    """Of the positions, those that pass the output layer."""
    held: Held = ALONE
    """What stands in memory beside."""

    @property
    def row_flops(self) -> float:
        """FLOPs of a whole row in training, of all positions that it comes to."""
        return self.counts.flops_per_row(*self.step.lengths)


def training_flops(work: Work) -> float:
    """Return the FLOPs of the model in training, validation not among them: what a scaling law and MFU go by."""
    return sum(number * work.counts.flops_per_row(*lengths) for number, lengths in work.pieces)


def computed_flops(work: Work) -> float:
    """Return the FLOPs that are computed: those of training, of what checkpointing computes anew, and of validation."""
    learned = training_flops(work)
    again = {"none": 0.0, "selective": _selected_flops(work), "full": learned / 3}[work.step.checkpointing]
    return learned + again + work.num_validation_rows * work.row_flops / 3


def _selected_flops(work: Work) -> float:
    """Return the FLOPs that selective checkpointing computes again: of states, and of attention where it is not fused."""
    counts = work.counts._replace(attention=tuple(layers for layers in work.counts.attention if work.step.keeps_attention(layers)))
    return sum(number * counts.attention_flops(*lengths) for number, lengths in work.pieces)


def step_flops(work: Work, num_rows: int) -> float:
    """Return the FLOPs of a step of some rows, with what checkpointing computes anew."""
    return computed_flops(work._replace(num_validation_rows=0)) / work.num_rows * num_rows


def seconds_on(work: Work, hardware: Hardware) -> float:
    """Return the time of a training on one device that nobody has tried.

    Raises:
        ValueError: the device is not known to compute in that precision.
    """
    products = computed_flops(work) / (hardware.peak(work.step.precision) * hardware.efficiency)
    updates = work.num_steps * work.counts.num_parameters * UPDATE_BYTES / hardware.bandwidth
    return LAUNCH_SECONDS + products + updates + (COMPILATION_SECONDS[work.step.device] if work.is_compiled else 0.0)


def seconds_here(work: Work, pace: Pace) -> float:
    """Return the time of a training on the machine that a pace was measured on."""
    row = sum(work.step.lengths) * pace.token_seconds(work.counts.num_all_blocks, work.output_share)
    learned = computed_flops(work._replace(num_validation_rows=0)) / work.row_flops * row
    if work.is_compiled:
        learned = COMPILATION_SECONDS[work.step.device] + learned * COMPILED_SHARE[work.step.device]
    validated = work.num_validation_rows * row * pace.forward_share
    updates = work.num_steps * work.counts.num_parameters * pace.update_seconds
    return LAUNCH_SECONDS + learned + validated + updates


def dollars(seconds: float, hardware: Hardware) -> float | None:
    """Return what a time on a device costs, None where it has no price."""
    return None if hardware.dollars_per_hour is None else seconds / HOUR * hardware.dollars_per_hour
