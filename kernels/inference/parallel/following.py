"""A process that reads a model together with others and follows the first of them: what a launcher starts, given a file and its number."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kernels.specs.config import Config
from kernels.specs.layout import Layout, Rank

if TYPE_CHECKING:
    from kernels.inference.parallel.seats import Seat
    from kernels.inference.parallel.stages import Stage


class Spread(Config):
    """A checkpoint that several processes read, and how."""

    folder: Path
    """Of the checkpoint."""
    layout: Layout
    """Of the processes."""
    meeting: str
    """Where they find each other, as ``torch.distributed`` is told."""
    num_pages: int
    """Of keys and values, in each."""
    device: str
    """That each computes on."""
    num_threads: int
    """Of each, where it computes on the CPU."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """That is computed in."""


def take_place(spread: Spread, number: int) -> "tuple[Seat, Stage]":
    """Meet the others and read what the process of a number holds.

    Raises:
        ValueError: the model cannot be parted so (names what).
    """
    import torch

    from kernels.inference.parallel.pieces import narrowed
    from kernels.inference.parallel.seats import Seat, meet
    from kernels.inference.parallel.stages import Stage
    from kernels.inference.streaming.weights import Weights
    from kernels.models.formats.checkpoints import shape_of_folder

    torch.set_num_threads(spread.num_threads)
    dtype = getattr(torch, spread.dtype)
    weights = Weights(shape_of_folder(spread.folder), spread.folder, dtype)
    rank = Rank(spread.layout, number, spread.meeting)
    narrowed(Seat(rank), weights.module.shape)  # what cannot be is refused by all before any waits for another
    seat = meet(rank, spread.device)
    return seat, Stage(seat, weights, spread.num_pages, spread.device, dtype)


def main(job: Path, number: int) -> None:
    """Do a follower's part until who leads ends, by a file that holds a `Spread` as JSON."""
    seat, stage = take_place(Spread.model_validate_json(job.read_text()), number)
    stage.follow()
    seat.leave()
