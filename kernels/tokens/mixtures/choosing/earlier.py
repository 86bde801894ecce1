"""The mixtures that come before one: which documents they trained on, which they hold out, and in what shares they were read."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kernels.tokens.mixtures.index import as_written, read_index, shares_of, source_of_rows
from kernels.tokens.mixtures.membership import MEMBERSHIP_FILE


class Marks(NamedTuple):
    """What is known of D documents of a source [D each]."""

    trained: NDArray[np.bool_]
    """Which an earlier mixture trains on, at least in part."""
    held: NDArray[np.bool_]
    """Which one holds out, and none trains on."""


class Earlier(NamedTuple):
    """Folders of mixtures, that which comes last first; none where a mixture comes after no other."""

    folders: tuple[Path, ...] = ()

    def marks(self, source: str, ids: Sequence[str]) -> Marks:
        """Return what is known of documents of a source by their ids."""
        trained, held = (np.isin(np.arange(len(ids)), self._found(source, split, ids)) for split in ("train", "validation"))
        return Marks(trained, held & ~trained)

    def shares(self) -> dict[str, Fraction]:
        """Return the share of its training in which the last one gives each source, documents that it replays itself among them; none without one."""
        if not self.folders:
            return {}
        index = read_index(self.folders[0])
        starts = [Fraction(0), *(as_written(stage.start) for stage in index.stages), Fraction(1)]
        found: dict[str, Fraction] = {}
        for number, weights in enumerate((index.weights, *(stage.weights for stage in index.stages))):
            for name, share in shares_of(weights).items():
                source = source_of_rows(name)
                found[source] = found.get(source, Fraction(0)) + share * (starts[number + 1] - starts[number])
        return found

    def _found(self, source: str, split: str, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the places of documents that stand in a split of one of the mixtures. The ids of one source and split are in memory at a time."""
        wanted: Any = [("source", "=", source), ("split", "=", split)]
        places: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        for folder in self.folders:
            table = pq.read_table(folder / MEMBERSHIP_FILE, columns=["id"], filters=wanted, partitioning=None)  # pyright: ignore[reportUnknownMemberType]
            there: Any = pc.is_in(pa.array(ids, pa.string()), value_set=table["id"].combine_chunks())  # pyright: ignore[reportUnknownMemberType]
            places.append(np.flatnonzero(there.to_numpy(zero_copy_only=False)))
        return np.concatenate(places)


NO_EARLIER = Earlier()
