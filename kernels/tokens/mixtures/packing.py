"""Documents into rows of one length: few are cut, and nearly no position stays empty, however long they are.

Documents longer than a row are cut into pieces, and pieces packed by best fit in order of decreasing length (Ding et al. 2024, "Fewer Truncations
Improve Language Modeling", arXiv 2404.10830), which cuts none of them. That leaves gaps where lengths do not go together: of documents of 200
tokens one fits into a row of 256, and 22% of it is empty. So the smallest gaps are left as they are, `MOST_EMPTY` of all tokens in sum, and the
others filled: the emptiest rows are taken apart, and their pieces cut where none fits.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]

PADDING_SEGMENT = 65535
"""Segment of positions that hold no document."""
MOST_EMPTY = 0.004
"""Empty positions for each token, at most, beside fewer than a row has."""


class Spans(NamedTuple):
    """S runs of documents' tokens in rows [S each], in order of rows and within a row of places."""

    document: I64
    first_token: I64
    """Where in the document's tokens the run begins."""
    length: I64
    row: I64
    start: I64
    """Where in the row it begins."""
    segment: I64
    """Its number within the row: runs of two segments do not see each other."""

    @property
    def num_rows(self) -> int:
        """How many rows they fill."""
        return int(self.row[-1]) + 1 if len(self.row) else 0


class _Pieces(NamedTuple):
    """P runs of documents' tokens [P each]."""

    document: I64
    first_token: I64
    length: I64

    def at(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "_Pieces":
        return _Pieces(self.document[places], self.first_token[places], self.length[places])


def pack(lengths: I64, row_length: int) -> Spans:
    """Return where documents of some lengths, all more than 0, stand in rows of ``row_length`` tokens.

    Fewer positions are empty than `MOST_EMPTY` of all tokens and one row.
    """
    from kernels.tokens.mixtures.packing_loops import best_fit

    pieces = _cut_to_rows(lengths, row_length)
    rows, rooms = np.empty(len(pieces.length), np.int64), np.empty(len(pieces.length), np.int64)
    num_rows = best_fit(pieces.length, row_length, rows, rooms)
    return _filled(pieces, rows, rooms[:num_rows], row_length)


def _cut_to_rows(lengths: I64, row_length: int) -> _Pieces:
    """Return documents as pieces of at most a row, longest first. None is of one token only, where a document has more and rows have room."""
    counts = -(-lengths // row_length)
    document = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
    first_token = number * row_length
    moved = (number > 0) & (lengths[document] - first_token == 1) & (row_length > 3)
    first_token -= moved
    ends = np.append(first_token[1:], 0)
    last = number == counts[document] - 1
    length = np.where(last, lengths[document], ends) - first_token
    order = np.argsort(-length, kind="stable")
    return _Pieces(document, first_token, length).at(order)


def _filled(pieces: _Pieces, rows: I64, rooms: I64, row_length: int) -> Spans:
    """Return packed pieces with the gaps filled that are too large to stay."""
    from kernels.tokens.mixtures.packing_loops import LEAST_PIECE

    by_room = np.argsort(rooms, kind="stable")
    num_left = int(np.searchsorted(np.cumsum(rooms[by_room]), int(MOST_EMPTY * pieces.length.sum()), side="right"))
    others = by_room[num_left:]
    num_tokens = len(others) * row_length - int(rooms[others].sum())
    filled = others[: -(-num_tokens // row_length)]
    is_loose = np.zeros(len(rooms), np.bool_)
    is_loose[others[len(filled) :]] = True
    taken = is_loose[rows]
    taken[_shortest_of(rows, np.flatnonzero((rooms < LEAST_PIECE) & (rooms > 0) & _among(filled, len(rooms))))] = True
    numbers = np.empty(len(rooms), np.int64)
    kept_rows = np.concatenate([by_room[:num_left], filled])
    numbers[kept_rows] = np.arange(len(kept_rows))
    gaps = rooms + np.bincount(rows[taken & ~is_loose[rows]], pieces.length[taken & ~is_loose[rows]], len(rooms)).astype(np.int64)
    put, gap_of = _put_into(gaps[filled], pieces.at(taken), row_length)
    kept = pieces.at(~taken)
    row = np.concatenate([numbers[rows[~taken]], num_left + gap_of])
    return _in_order(_Pieces(*(np.concatenate(both) for both in zip(kept, put, strict=True))), row)


def _among(numbers: I64, size: int) -> NDArray[np.bool_]:
    found = np.zeros(size, np.bool_)
    found[numbers] = True
    return found


def _shortest_of(rows: I64, wanted: I64) -> I64:
    """Return the last, and so the shortest, piece of each wanted row."""
    last = np.zeros(int(rows.max()) + 1 if len(rows) else 0, np.int64)
    last[rows] = np.arange(len(rows))  # of several the last is kept
    return last[wanted]


def _put_into(gaps: I64, loose: _Pieces, row_length: int) -> tuple[_Pieces, I64]:
    """Return loose pieces put into gaps, cut where they must be, and the number of the gap that each part went into."""
    from kernels.tokens.mixtures.packing_loops import fill

    out = np.empty((len(loose.length) + 3 * len(gaps), 4), np.int64)  # two parts at most of each gap, and of each piece its end
    count = fill(gaps, loose.document, loose.length, loose.first_token, row_length, out)
    gap_of, document, first_token, length = out[:count].T
    return _Pieces(document, first_token, length), gap_of


def _in_order(pieces: _Pieces, row: I64) -> Spans:
    """Return pieces row by row, each behind the one before."""
    order = np.argsort(row, kind="stable")
    row, pieces = row[order], pieces.at(order)
    begins = np.flatnonzero(np.diff(row, prepend=-1))
    counts = np.diff(begins, append=len(row))
    ends = np.cumsum(pieces.length)
    start = ends - pieces.length - np.repeat((ends - pieces.length)[begins], counts)
    segment = np.arange(len(row)) - np.repeat(begins, counts)
    return Spans(pieces.document, pieces.first_token, pieces.length, row, start, segment)
