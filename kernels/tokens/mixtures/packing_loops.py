"""The compiled loops of packing: pieces into rows by best fit, and into gaps by cutting.

Rooms of rows, and lengths of pieces, are whole numbers up to a row's length: which of them there are is kept as bits, those of one size as a
chain, so that the nearest size is found by looking at words of 64.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.tokens.compiled import compiled

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
LEAST_PIECE = 2
"""Of a piece of one token nothing is predicted."""


@compiled
def _push(size: int, number: int, bits: U64, heads: I64, behind: I64) -> None:
    """Put a number on the chain of its size."""
    behind[number] = heads[size]
    heads[size] = number
    bits[size >> 6] |= _ONE << np.uint64(size & 63)


@compiled
def _pop(size: int, bits: U64, heads: I64, behind: I64) -> int:
    """Take the number that was put last on the chain of a size that has one."""
    number = heads[size]
    heads[size] = behind[number]
    if heads[size] < 0:
        bits[size >> 6] &= ~(_ONE << np.uint64(size & 63))
    return number


@compiled
def _lowest(word: np.uint64) -> int:
    """Return the place of the lowest bit of a word that is not 0."""
    place = 0
    for step in (32, 16, 8, 4, 2, 1):
        if word & ((_ONE << np.uint64(step)) - _ONE) == 0:
            word >>= np.uint64(step)
            place += step
    return place


@compiled
def _highest(word: np.uint64) -> int:
    """Return the place of the highest bit of a word that is not 0."""
    place = 0
    for step in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(step) != 0:
            word >>= np.uint64(step)
            place += step
    return place


@compiled
def _at_least(size: int, bits: U64) -> int:
    """Return the least size there is from a size on, -1 where there is none."""
    word = size >> 6
    if word >= len(bits):
        return -1
    found = bits[word] & (_ALL << np.uint64(size & 63))
    while found == 0:
        word += 1
        if word == len(bits):
            return -1
        found = bits[word]
    return (word << 6) + _lowest(found)


@compiled
def _at_most(size: int, bits: U64) -> int:
    """Return the greatest size there is up to a size, -1 where there is none."""
    if size < 0:
        return -1
    word = size >> 6
    found = bits[word] & (_ALL >> np.uint64(63 - (size & 63)))
    while found == 0:
        word -= 1
        if word < 0:
            return -1
        found = bits[word]
    return (word << 6) + _highest(found)


@compiled
def best_fit(lengths: I64, row_length: int, rows: I64, rooms: I64) -> int:
    """Write the row of each piece, and the room left in each row, where pieces come longest first; return the number of rows."""
    bits = np.zeros((row_length >> 6) + 1, np.uint64)
    heads, behind = np.full(row_length + 1, -1), np.empty(len(lengths), np.int64)
    num_rows = 0
    for piece in range(len(lengths)):
        room = _at_least(lengths[piece], bits)
        if room < 0:
            row, room = num_rows, row_length
            num_rows += 1
        else:
            row = _pop(room, bits, heads, behind)
        rows[piece] = row
        rooms[row] = room - lengths[piece]
        if rooms[row] > 0:
            _push(rooms[row], row, bits, heads, behind)
    return num_rows


@compiled
def _part_of(longest: int, gap: int) -> int:
    """Return how much of a piece to put into a gap that no piece fits into, so that neither what is left of it nor of the gap is too short."""
    if longest < gap:  # by less than the least piece
        return longest - LEAST_PIECE if longest >= 2 * LEAST_PIECE else longest
    if longest - gap < LEAST_PIECE and gap >= 2 * LEAST_PIECE:
        return gap - LEAST_PIECE
    return gap


@compiled
def fill(gaps: I64, pieces: I64, lengths: I64, firsts: I64, row_length: int, out: I64) -> int:
    """Put pieces into gaps, one gap behind the other until no piece is left, and return how many puts that took.

    A gap takes a piece that fills it, else the longest that fits, else a part of the longest there is.

    Args:
        gaps: [G] tokens that are missing.
        pieces: [P] what each piece is of.
        lengths: [P] how long it is; what is put elsewhere is taken off.
        firsts: [P] where in that it begins, which moves as it is cut.
        row_length: no piece is longer.
        out: [N, 4] takes gap, piece's origin, first token and length of each put.
    """
    bits = np.zeros((row_length >> 6) + 1, np.uint64)
    heads, behind = np.full(row_length + 1, -1), np.empty(len(pieces), np.int64)
    for piece in range(len(pieces)):
        _push(lengths[piece], piece, bits, heads, behind)
    puts = 0
    for place in range(len(gaps)):
        gap = gaps[place]
        while gap > 0:
            longest = _at_most(row_length, bits)
            if longest < 0:
                return puts
            fitting = gap if heads[gap] >= 0 else _at_most(gap - LEAST_PIECE, bits)
            part = fitting if fitting > 0 else _part_of(longest, gap)
            piece = _pop(fitting if fitting > 0 else longest, bits, heads, behind)
            out[puts, 0], out[puts, 1], out[puts, 2], out[puts, 3] = place, pieces[piece], firsts[piece], part
            puts += 1
            gap -= part
            if part < lengths[piece]:
                lengths[piece] -= part
                firsts[piece] += part
                _push(lengths[piece], piece, bits, heads, behind)
    return puts
