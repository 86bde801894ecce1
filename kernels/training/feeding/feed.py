"""What a training reads, step by step: rows of a mixture in its order, prepared by an objective, ready before they are asked for.

What a step reads follows from its number alone; a thread prepares the next steps while one is taken.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.specs.objectives import IGNORED
from kernels.tokens.mixtures.index import MixtureIndex, read_index
from kernels.tokens.mixtures.order import Order
from kernels.training.course.stages import Plan, num_rows, reading_at
from kernels.training.feeding.batches import Examples, Transform, prepare_rows
from kernels.training.feeding.shares import ALL, Share

AHEAD = 2
"""Steps that are prepared before they are asked for."""


class Split(NamedTuple):
    """Rows of a mixture, memory-mapped: token ids and numbers of documents, [N, T] each."""

    tokens: NDArray[np.integer[Any]]
    segments: NDArray[np.uint16]


class Batch(NamedTuple):
    """What one step reads."""

    parts: list[Examples]
    """As many rows each as pass the model together."""
    num_tokens: int
    """Positions that hold a token the model reads, be it by an encoder or a decoder."""
    num_labels: int
    """Tokens that are predicted, in all parts."""
    num_cut: int


def open_split(mixture: Path, split: str) -> Split:
    """Return a split of a mixture's folder."""
    arrays = (np.load(mixture / f"{split}_{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("tokens", "segments"))
    return Split(*arrays)


def sequence_length(mixture: Path) -> int:
    """Return how many tokens the rows of a mixture have."""
    return read_index(mixture).sequence_length


class StepFeed(ABC):
    """The steps of a training, prepared ahead, whatever they read."""

    waited_seconds = 0.0
    """How long steps stood still for their batch."""

    @abstractmethod
    def batch(self, step: int) -> Batch:
        """Return what a step, counted from 0, reads: always the same. Of several processes each has a share, whose counts are its own."""

    def steps(self, first: int, last: int) -> Iterator[tuple[int, Batch]]:
        """Yield steps with what they read, from one on until before another."""
        with ThreadPoolExecutor(1, "feed") as pool:
            waiting: list[Future[Batch]] = [pool.submit(self.batch, step) for step in range(first, min(first + AHEAD, last))]
            for step in range(first, last):
                started = time.perf_counter()
                batch = waiting.pop(0).result()
                self.waited_seconds += time.perf_counter() - started
                if step + AHEAD < last:
                    waiting.append(pool.submit(self.batch, step + AHEAD))
                yield step, batch


def batch_of(parts: list[Examples]) -> Batch:
    """Return parts with what they hold."""
    return Batch(
        parts,
        sum(_num_read(part) for part in parts),
        sum(int((part.targets != IGNORED).sum()) for part in parts),
        sum(part.num_cut for part in parts),
    )


def _num_read(part: Examples) -> int:
    """Return how many positions of some rows hold a token."""
    stacks = (part.segments_BT, part.decoder_segments_BU)
    return sum(int((segments >= 0).sum()) for segments in stacks if segments is not None)


class Feed(StepFeed):
    """The steps of a training that reads a mixture."""

    def __init__(self, mixture: Path, plan: Plan, transform: Transform, seed: int, micro_batch_size: int | None, share: Share = ALL) -> None:
        """Lay out the order, of which a share is read. Raises ValueError: a source would be read more often than the mixture allows."""
        self._split, self._plan, self._seed, self._micro, self._share = open_split(mixture, "train"), plan, seed, micro_batch_size, share
        index: MixtureIndex = read_index(mixture)
        self._order = Order(index, num_rows(plan))
        self._transforms = {stage.length: _of_pieces(transform, stage.length, index) for stage in plan.stages}

    def batch(self, step: int) -> Batch:
        """Return what a step, counted from 0, reads."""
        reading = reading_at(step, self._plan)
        mine = self._share.of(reading.batch_size)
        rows = self._order.rows(reading.first_row, reading.batch_size)[mine]
        pieces = self._plan.row_length // reading.length
        tokens, segments = self._split.tokens[rows].reshape(-1, reading.length), self._split.segments[rows].reshape(-1, reading.length)
        first = (reading.first_row + mine.start) * pieces
        size = self._share.rows_together(len(tokens), self._micro)
        parts = [
            prepare_rows(
                tokens[start : start + size],
                segments[start : start + size],
                range(first + start, first + min(start + size, len(tokens))),
                self._seed,
                self._transforms[reading.length],
            )
            for start in range(0, len(tokens), size)
        ]
        return batch_of(parts)

    def epochs(self) -> dict[str, float]:
        """Return how often the whole training reads each source."""
        return self._order.epochs()


def _of_pieces(transform: Transform, length: int, index: MixtureIndex) -> Transform:
    """Return how pieces of rows become examples: as long as a piece asks for, not as a whole row does."""
    objective, config, control, _ = transform
    return Transform(objective, config, control, objective.lengths(config, length, min(length, index.max_documents)))
