"""The rows of a split, and which document stands where in them: written in batches, so that neither is ever in memory as a whole.

``SPLIT_tokens.npy`` and ``SPLIT_segments.npy`` [rows, sequence_length] memory-map; ``membership.parquet`` has one row for each run of a document's
tokens, and every position that is no padding is in exactly one of them.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from kernels.tokens.mixtures.packing import I64, PADDING_SEGMENT, Spans
from kernels.tokens.shards import Shard

MEMBERSHIP = pa.schema(
    [
        pa.field("split", pa.string(), nullable=False, metadata={"description": "train or validation"}),
        pa.field("row", pa.int64(), nullable=False, metadata={"description": "of the split's arrays"}),
        pa.field("start", pa.int32(), nullable=False, metadata={"description": "first position in the row"}),
        pa.field("length", pa.int32(), nullable=False, metadata={"description": "positions"}),
        pa.field("segment", pa.int32(), nullable=False, metadata={"description": "their segment"}),
        pa.field("source", pa.string(), nullable=False, metadata={"description": "of the document"}),
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the document"}),
        pa.field("first_token", pa.int64(), nullable=False, metadata={"description": "where in the document's tokens the run begins"}),
        pa.field(
            "is_earlier", pa.bool_(), nullable=False, metadata={"description": "whether it is of a mixture before: replayed, or held out there"}
        ),
    ]
)
MEMBERSHIP_FILE = "membership.parquet"
BATCH_POSITIONS = 1 << 22
"""Positions of rows that are in memory at one time."""
BATCH_SPANS = 1 << 17
"""Runs that are in memory, with their ids, at one time."""


class Placed(NamedTuple):
    """D documents of a mixture [D each]."""

    shard: I64
    """Which shard holds it."""
    place: I64
    """Its number there."""
    is_earlier: NDArray[np.bool_]
    """Whether a mixture that comes before has it."""

    def at(self, chosen: I64 | slice) -> "Placed":
        """Return some of them."""
        return Placed(self.shard[chosen], self.place[chosen], self.is_earlier[chosen])


class RowWriter:
    """Writes the rows of splits and what they hold."""

    def __init__(self, shards: Sequence[tuple[str, Shard]], sequence_length: int, pad_token_id: int, out: Path) -> None:
        """Open the membership. ``shards``: source and shard; ``pad_token_id`` fills positions of the segment `PADDING_SEGMENT`."""
        self._shards = shards
        self._length = sequence_length
        self._dtype: Any = shards[0][1].tokens.dtype if shards else np.dtype(np.uint16)
        self._padding = np.full(sequence_length, pad_token_id, self._dtype)
        self._out = out
        self._digest = xxhash.xxh3_128()
        self._membership = pq.ParquetWriter(out / MEMBERSHIP_FILE, MEMBERSHIP, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._membership.close()

    @property
    def content(self) -> str:
        """Digest of all rows that were written, and of which split each is."""
        return self._digest.hexdigest()

    def write(self, split: str, documents: Placed, spans: Spans) -> None:
        """Write one split, whose runs are of ``documents``."""
        shape = (spans.num_rows, self._length)
        with (self._out / f"{split}_tokens.npy").open("wb") as tokens, (self._out / f"{split}_segments.npy").open("wb") as segments:
            _begin(tokens, shape, self._dtype)
            _begin(segments, shape, np.dtype(np.uint16))
            self._digest.update(f"{split} {shape} {self._dtype}".encode())
            for part in _batches(spans, max(1, BATCH_POSITIONS // self._length)):
                missing = self._missing(part)
                for file, numbers in ((tokens, self._tokens_of(documents, part, missing)), (segments, _segments_of(part, missing))):
                    file.write(numbers.tobytes())
                    self._digest.update(numbers.tobytes())
        for first in range(0, len(spans.row), BATCH_SPANS):
            part = Spans(*(column[first : first + BATCH_SPANS] for column in spans))
            self._membership.write_table(self._members_of(split, documents, part))

    def _missing(self, part: Spans) -> I64:
        """Return how many positions stay empty behind each run: those to the row's end where it is the row's last."""
        is_last = np.diff(part.row, append=-1) != 0
        return np.where(is_last, self._length - part.start - part.length, 0)

    def _tokens_of(self, documents: Placed, part: Spans, missing: I64) -> NDArray[Any]:
        """Return the tokens of whole rows, one behind the other."""
        pieces: list[NDArray[Any]] = []
        shards, places = documents.shard[part.document], documents.place[part.document]
        columns = (column.tolist() for column in (shards, places, part.first_token, part.length, missing))
        for shard, place, first_token, length, empty in cast(Iterator[tuple[int, ...]], zip(*columns, strict=True)):
            tokens: NDArray[Any] = self._shards[shard][1].tokens
            first = int(self._shards[shard][1].offsets[place]) + first_token
            pieces.append(tokens[first : first + length])
            if empty:
                pieces.append(self._padding[:empty])
        return np.concatenate(pieces)

    def _members_of(self, split: str, documents: Placed, part: Spans) -> pa.Table:
        shards: list[int] = documents.shard[part.document].tolist()
        places: list[int] = documents.place[part.document].tolist()
        columns: list[Any] = [
            pa.array([split] * len(part.row), pa.string()),
            *(pa.array(column) for column in (part.row, part.start, part.length, part.segment)),
            pa.array([self._shards[shard][0] for shard in shards], pa.string()),
            pa.array([self._shards[shard][1].ids[place] for shard, place in zip(shards, places, strict=True)], pa.string()),
            pa.array(part.first_token),
            pa.array(documents.is_earlier[part.document]),
        ]
        return pa.table(columns, names=MEMBERSHIP.names).cast(MEMBERSHIP)


def _begin(file: BinaryIO, shape: tuple[int, int], dtype: Any) -> None:
    """Write the header of an array of NumPy's format whose rows follow."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _batches(spans: Spans, num_rows: int) -> Iterator[Spans]:
    """Yield runs of so many whole rows at a time."""
    bounds = np.searchsorted(spans.row, np.arange(0, spans.num_rows + num_rows, num_rows)).tolist()
    for first, last in pairwise(bounds):
        if first < last:
            yield Spans(*(column[first:last] for column in spans))


def _segments_of(part: Spans, missing: I64) -> NDArray[np.uint16]:
    """Return the segments of whole rows, one behind the other."""
    numbers = np.stack([part.segment, np.full(len(part.segment), PADDING_SEGMENT)], axis=1).astype(np.uint16)
    return np.repeat(numbers.ravel(), np.stack([part.length, missing], axis=1).ravel())
