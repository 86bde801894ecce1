"""Steps that read examples, epoch behind epoch, each in an order of its own.

The order is a keyed permutation, so that what a step reads follows from its number alone.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kernels.tokens.mixtures.permutation import Permutation, key_of
from kernels.training.course.stages import Plan, reading_at
from kernels.training.feeding.batches import Examples
from kernels.training.feeding.feed import Batch, StepFeed, batch_of
from kernels.training.feeding.shares import ALL, Share

Rows = Callable[[NDArray[np.int64]], Examples]
"""Returns examples by number as a model reads them."""


class ExampleFeed(StepFeed):
    """The steps of a training on numbered examples."""

    def __init__(self, kind: str, num_examples: int, rows: Rows, plan: Plan, seed: int, micro_batch_size: int | None, share: Share = ALL) -> None:
        """Take what each step reads, of which a share is read here. ``kind`` of the examples and ``seed`` say in which order."""
        self._kind, self._size, self._rows, self._plan, self._seed, self._micro = kind, num_examples, rows, plan, seed, micro_batch_size
        self._share = share

    def batch(self, step: int) -> Batch:
        """Return what a step, counted from 0, reads."""
        reading = reading_at(step, self._plan)
        places = np.arange(reading.first_row, reading.first_row + reading.batch_size)[self._share.of(reading.batch_size)]
        return batch_of(in_parts(self.numbers(places), self._share.rows_together(len(places), self._micro), self._rows))

    def numbers(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which examples stand at places of the whole training's order."""
        epochs = places // self._size
        found = np.empty_like(places)
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            found[here] = Permutation(self._size, key_of(self._kind, self._seed, epoch))(places[here] % self._size)
        return found


def in_parts(numbers: NDArray[np.int64], size: int | None, rows: Rows) -> list[Examples]:
    """Return rows of examples, at most ``size`` together."""
    size = size or max(1, len(numbers))
    return [rows(numbers[start : start + size]) for start in range(0, len(numbers), size)]


def looked_at(num_examples: int, most: int) -> NDArray[np.int64]:
    """Return which examples of a validation are looked at: all, or as many of all parts of it as may be, the same for every training."""
    if num_examples <= most:
        return np.arange(num_examples)
    return np.sort(Permutation(num_examples, key_of("validation", 0, 0))(np.arange(most)))
