"""The order in which a training reads a mixture: a pure function of seed, position and the training's length, so that nothing of it is saved.

Which source a position is of: source_order.py. A source gives all its rows in one order, then all in another, each the permutation of an epoch
(permutation.py), and goes on where it stands when shares change. Any position can be asked alone, in any batch, by any number of readers.
"""

import numpy as np

from kernels.tokens.mixtures.index import MixtureIndex, is_replayed
from kernels.tokens.mixtures.permutation import I64, Permutation, key_of
from kernels.tokens.mixtures.source_order import SourceOrder

MOST_ROWS = 1 << 50
"""Past it none looks for how many rows a mixture is good."""


class Order:
    """Which rows a training reads, one behind the other."""

    def __init__(self, index: MixtureIndex, total_rows: int) -> None:
        """Lay out the order.

        Args:
            index: what the mixture holds.
            total_rows: how many rows the whole training reads; stages begin at shares of it.

        Raises:
            ValueError: a source would be read more often than the mixture allows (names it, how often, and what may be done).
        """
        self._index, self._sources = index, SourceOrder(index, total_rows)
        worst = _too_often(index, self._sources)
        if worst is not None:
            source, count = index.sources[worst], self._sources.counts[worst]
            remedy = "lower replay or raise max_epochs" if is_replayed(worst) else f"lower the weight of {worst!r}, raise its max_epochs"
            raise ValueError(
                f"mixture: a training of {total_rows} rows reads the source {worst!r} {count / source.num_rows:.4g} times ({count} rows out of "
                f"{source.num_rows}), and its max_epochs is {source.max_epochs:g}; read at most {most_rows(index)} rows (num_steps x batch_size), "
                f"{remedy}, or add documents to it"
            )

    def rows(self, start: int, count: int) -> I64:
        """Return the rows [count] of ``train_tokens.npy`` at the positions from ``start`` on. Raises IndexError: the training has no such ones."""
        if min(start, count) < 0 or start + count > self._sources.total:
            raise IndexError(f"positions {start} to {start + count} of a training that reads {self._sources.total} rows")
        found = np.empty(count, np.int64)
        for turn in self._sources.turns(start, count):
            found[turn.places] = self._rows_of(turn.source, turn.rank, len(turn.places))
        return found

    def epochs(self) -> dict[str, float]:
        """Return how often the whole training reads each source."""
        return {name: count / self._index.sources[name].num_rows for name, count in self._sources.counts.items()}

    def _rows_of(self, name: str, rank: int, count: int) -> I64:
        """Return the rows that a source gives at its own positions from ``rank`` on."""
        source = self._index.sources[name]
        parts: list[I64] = []
        end = rank + count
        while rank < end:
            epoch, place = divmod(rank, source.num_rows)
            taken = min(end - rank, source.num_rows - place)
            permutation = Permutation(source.num_rows, key_of(self._index.seed, epoch, name))
            parts.append(source.first_row + permutation(np.arange(place, place + taken)))
            rank += taken
        return np.concatenate(parts)


def _too_often(index: MixtureIndex, sources: SourceOrder) -> str | None:
    """Return the source that is read too often, of several the one that is so by most."""
    excess = {name: count / (index.sources[name].num_rows * index.sources[name].max_epochs) for name, count in sources.counts.items()}
    worst = max(excess, key=lambda name: (excess[name], name))
    return worst if excess[worst] > 1 else None


def most_rows(index: MixtureIndex) -> int:
    """Return how many rows a training may read before a source is read too often; `MOST_ROWS` where that is further off."""
    fitting, too_many = 0, MOST_ROWS + 1
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        if _too_often(index, SourceOrder(index, middle)) is None:
            fitting = middle
        else:
            too_many = middle
    return fitting
