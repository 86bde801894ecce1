"""The compiled loop that normalises UTF-8 by a table of code points."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]

_ASK = 0xFFFFFFFF


@compiled
def decode(data: U8, place: int) -> tuple[int, int]:
    """Return the code point of valid UTF-8 at a place, and its length in bytes."""
    first = np.int64(data[place])
    if first < 0x80:
        return first, 1
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (np.int64(data[place + 1]) & 0x3F), 2
    if first < 0xF0:
        return ((first & 0x0F) << 12) | ((np.int64(data[place + 1]) & 0x3F) << 6) | (np.int64(data[place + 2]) & 0x3F), 3
    high = ((first & 0x07) << 18) | ((np.int64(data[place + 1]) & 0x3F) << 12)
    return high | ((np.int64(data[place + 2]) & 0x3F) << 6) | (np.int64(data[place + 3]) & 0x3F), 4


@compiled
def _encode(code: int, out: U8, place: int) -> int:
    """Write a code point and return the place behind it."""
    if code < 0x80:
        out[place] = code
        return place + 1
    if code < 0x800:
        out[place] = 0xC0 | (code >> 6)
        out[place + 1] = 0x80 | (code & 0x3F)
        return place + 2
    if code < 0x10000:
        out[place] = 0xE0 | (code >> 12)
        out[place + 1] = 0x80 | ((code >> 6) & 0x3F)
        out[place + 2] = 0x80 | (code & 0x3F)
        return place + 3
    out[place] = 0xF0 | (code >> 18)
    out[place + 1] = 0x80 | ((code >> 12) & 0x3F)
    out[place + 2] = 0x80 | ((code >> 6) & 0x3F)
    out[place + 3] = 0x80 | (code & 0x3F)
    return place + 4


@compiled
def _normalise_one(data: U8, place: int, end: int, table: U32, out: U8, begin: int) -> int:
    """Write the normalised text from ``begin`` on and return the place behind it, or -1 where the table cannot tell."""
    write = begin
    gap = False
    while place < end:
        code, length = decode(data, place)
        place += length
        if code >= len(table) or table[code] == _ASK:
            return -1
        lower = np.int64(table[code])
        if lower == 0:
            gap = True
            continue
        if gap and write > begin:
            out[write] = 32
            write += 1
        gap = False
        write = _encode(lower, out, write)
    return write if write > begin else -1


@compiled
def normalise_all(data: U8, offsets: I64, table: U32) -> tuple[U8, I64, NDArray[np.bool_]]:
    """Return N normalised texts end to end, their N + 1 offsets, and which ones the table cannot tell (they take no bytes)."""
    # A lower-case letter is at most one byte longer than its capital, of two bytes or more.
    out = np.empty(len(data) + len(data) // 2 + 4, np.uint8)
    bounds = np.zeros(len(offsets), np.int64)
    asks = np.zeros(len(offsets) - 1, np.bool_)
    for text in range(len(asks)):
        end = _normalise_one(data, offsets[text], offsets[text + 1], table, out, bounds[text])
        asks[text] = end < 0
        bounds[text + 1] = bounds[text] if end < 0 else end
    return out[: bounds[-1]], bounds, asks
