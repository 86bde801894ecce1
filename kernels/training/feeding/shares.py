"""What one of several processes reads of what all of them read together."""

from collections.abc import Iterator
from typing import NamedTuple


class Share(NamedTuple):
    """One of as many equal parts as there are readers, counted from 0."""

    reader: int
    num_readers: int
    num_parts: int = 1
    """That a reader's rows pass the model in, at least."""

    def of(self, num_rows: int) -> slice:
        """Return which rows of some these are: as many for every reader.

        Raises:
            ValueError: readers cannot have as many each.
        """
        if num_rows % self.num_readers:
            raise ValueError(
                f"batch_size: {num_rows} rows of a step cannot be shared alike by {self.num_readers} processes that read; "
                f"take a multiple of {self.num_readers}, or other processes under 'run'"
            )
        size = num_rows // self.num_readers
        return slice(self.reader * size, (self.reader + 1) * size)

    def rows_together(self, num_rows: int, micro_batch_size: int | None) -> int:
        """Return how many of a reader's rows pass the model together, where no more than some may."""
        return max(1, min(micro_batch_size or num_rows, -(-num_rows // self.num_parts)))

    def turns(self, num_parts: int) -> Iterator[tuple[int, bool]]:
        """Yield which of some parts is this reader's, turn by turn, and whether it counts: all have as many turns, some with nothing new."""
        for turn in range(-(-num_parts // self.num_readers)):
            index = turn * self.num_readers + self.reader
            yield (index, True) if index < num_parts else (0, False)


ALL = Share(0, 1)
"""Of one that reads everything."""
