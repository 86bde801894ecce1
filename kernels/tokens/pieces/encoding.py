"""Encoding texts piece by piece: each different piece once, by the tokenizer itself, and the texts put together from their tokens.

The tokens are those of the library, which is asked for every piece; words of a language recur, so that it is asked for a tenth of the text.
"""

from itertools import pairwise
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernels.tokens.pieces.recognition import Cuts

JOINED_PIECES = 1000
"""Pieces that are encoded as one string, at most."""
SEPARATOR = "0"
BATCH_BYTES = 1 << 25
"""Of text whose pieces are numbered together: what differs within it is held as Python strings at one time."""
NO_IDS = np.zeros(0, np.uint32)


class Texts:
    """N texts end to end."""

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        """Take their UTF-8, and where each of them begins in it, [N + 1]."""
        self.data, self.offsets = data, offsets

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.offsets) - 1

    def strings(self, start: int, end: int) -> list[str]:
        """Return some of them as strings."""
        return [self.data[first:last].tobytes().decode() for first, last in pairwise(self.offsets[start : end + 1].tolist())]


class Flat(NamedTuple):
    """The ids of N texts end to end."""

    ids: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    """[N + 1]."""


class Pieces(NamedTuple):
    """Texts as pieces: P in all, of which U differ."""

    codes: NDArray[np.int32]
    """[P] which of those that differ each is."""
    starts: NDArray[np.int64]
    """[N + 1] where those of each text begin."""
    begins: NDArray[np.int64]
    """[U] where each that differs begins among the bytes of the texts."""
    ends: NDArray[np.int64]
    """[U]."""


def texts_of(column: "pa.ChunkedArray[Any] | pa.Array[Any]") -> Texts:
    """Return a column of strings as bytes."""
    arrow: Any = pa
    chunks: list[Any] = cast(Any, column).chunks if isinstance(column, pa.ChunkedArray) else [column]
    array: Any = arrow.concat_arrays([arrow.array([], pa.large_string()), *(chunk.cast(pa.large_string()) for chunk in chunks)])
    _, places, data = array.buffers()
    if data is None or not len(array):
        return Texts(np.zeros(0, np.uint8), np.zeros(len(array) + 1, np.int64))
    offsets = np.frombuffer(places, np.int64)[array.offset : array.offset + len(array) + 1]
    return Texts(np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0])


def batches(texts: Texts) -> list[tuple[int, int]]:
    """Return ranges of texts of about `BATCH_BYTES`, at least one text each."""
    ranges: list[tuple[int, int]] = []
    offsets: Any = texts.offsets
    start, num_texts = 0, len(texts)
    while start < num_texts:
        end = int(cast(Any, np).searchsorted(offsets, offsets[start] + BATCH_BYTES, side="right")) - 1
        ranges.append((start, min(num_texts, max(start + 1, end))))
        start = ranges[-1][1]
    return ranges


def cut(texts: Texts, cuts: Cuts) -> Pieces:
    """Return the pieces of texts."""
    from kernels.tokens.pieces.cutting import KINDS, count_pieces, number_pieces

    starts = count_pieces(texts.data, texts.offsets, KINDS, cuts.signs_stand_alone)
    codes, begins, ends = number_pieces(texts.data, texts.offsets, KINDS, cuts.signs_stand_alone, int(starts[-1]))
    return Pieces(codes, starts, begins, ends)


class PieceEncoder:
    """Encodes texts by a tokenizer that is known to cut them as `Cuts` says."""

    def __init__(self, tokenizer: Any, cuts: Cuts, bytes_of_tokens: list[int]) -> None:
        """Take a tokenizer that passes over control tokens, and how many bytes each of its tokens stands for."""
        self._tokenizer, self._cuts = tokenizer, cuts
        self._bytes = np.array(bytes_of_tokens, np.int64)
        self._separator: list[int] = tokenizer.encode(SEPARATOR, add_special_tokens=False).ids

    def encode(self, texts: Texts, before: NDArray[np.uint32] = NO_IDS, behind: NDArray[np.uint32] = NO_IDS) -> Flat | None:
        """Return the ids of texts, each with some before and behind it; None where the tokens do not spell the pieces byte by byte."""
        from kernels.tokens.pieces.cutting import lay_out

        pieces = cut(texts, self._cuts)
        spelled = self._spelled(texts, pieces)
        if spelled is None:
            return None
        ids, id_starts = spelled
        num_texts = len(texts)
        size = int(np.diff(id_starts)[pieces.codes].sum()) + num_texts * (len(before) + len(behind))
        flat = Flat(np.empty(size, np.uint32), np.empty(num_texts + 1, np.int64))
        lay_out(pieces.codes, pieces.starts, ids, id_starts, before, behind, flat.ids, flat.offsets)
        return flat

    def _spelled(self, texts: Texts, pieces: Pieces) -> tuple[NDArray[np.uint32], NDArray[np.int64]] | None:
        """Return the ids of the pieces that differ, end to end, and where those of each begin."""
        strings, separated = self._joined(texts, pieces)
        found = [np.array(encoding.ids, np.uint32) for encoding in self._tokenizer.encode_batch_fast(strings, add_special_tokens=False)]
        ids = np.concatenate([*found, NO_IDS])
        lengths = pieces.ends - pieces.begins
        places = (np.cumsum(lengths + separated) - lengths)[separated]
        at = self._ending(ids, places)
        if at is None or (ids[at] != self._separator[:1]).any():
            return None
        ids = np.delete(ids, at)
        last = self._ending(ids, np.cumsum(lengths))
        if last is None or (len(last) and last[-1] != len(ids) - 1):
            return None
        return ids, np.concatenate([[0], last + 1])

    def _ending(self, ids: NDArray[np.uint32], places: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return which of some tokens end at places of the bytes that they spell, None where none ends at one of these."""
        ends = np.cumsum(self._bytes[ids])
        at = np.searchsorted(ends, places)
        if len(at) and (at[-1] == len(ends) or (ends[at] != places).any()):
            return None
        return at

    def _joined(self, texts: Texts, pieces: Pieces) -> tuple[list[str], NDArray[np.bool_]]:
        """Return the pieces that differ, many in a string, and before which of them a digit stands that keeps it from the one before.

        Where digits do not stand alone, a piece that would grow together with the one before begins another string.
        """
        from kernels.tokens.pieces.cutting import KINDS, find_joints, join

        begins, ends = pieces.begins, pieces.ends
        joints = find_joints(texts.data, begins, ends, KINDS, self._cuts.signs_stand_alone)
        separates = self._cuts.digits_stand_alone and len(self._separator) == 1
        first = np.arange(len(begins)) % JOINED_PIECES == 0
        first |= ~joints & (not separates)
        separated = ~joints & ~first
        starts = [*np.flatnonzero(first).tolist(), len(begins)]
        strings = [
            join(texts.data, begins[start:end], ends[start:end], separated[start:end], ord(SEPARATOR)).tobytes().decode()
            for start, end in pairwise(starts)
        ]
        return strings, separated


def apart(texts: Texts, pieces: Pieces) -> list[str]:
    """Return the pieces that differ."""
    return [texts.data[begin:end].tobytes().decode() for begin, end in zip(pieces.begins.tolist(), pieces.ends.tolist(), strict=True)]
