"""The compiled loops of substring deduplication: words with their places, and windows of words that stand earlier."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled
from kernels.curation.deduplication.loops.minima import scrambled
from kernels.curation.text.normalise_bytes import ALONE, ASK, MARK, SPACE, TIGHT, decode

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

_START = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_BASE = np.uint64(0x9E3779B97F4A7C15)


@compiled
def _split_one(data: U8, place: int, end: int, tables: tuple[U32, U8], count: int, words: tuple[U32, I32, I32]) -> int:
    """Add the words of one text behind the first ``count`` and return how many there are then."""
    table, kinds = tables
    hashes, starts, ends = words
    first = count
    char, word, inside, touching = 0, _START, SPACE, False
    while place < end:
        code, length = decode(data, place)
        kind = kinds[code]
        place += length
        char += 1
        if kind in (MARK, TIGHT, SPACE):
            inside = SPACE
            touching = touching and kind != SPACE
        else:
            if kind == ALONE or kind != inside:
                starts[count] = char - 1
                word = _START
                count += 1
            inside, touching = kind, True
            word = (word ^ np.uint64(code if table[code] == ASK else table[code])) * _PRIME
            hashes[count - 1] = np.uint32(scrambled(word) >> np.uint64(32))
        if touching and count > first:
            ends[count - 1] = char
    return count


@compiled
def split_all(data: U8, offsets: I64, tables: tuple[U32, U8]) -> tuple[U32, I32, I32, I64]:
    """Return the words of N texts: hashes, first characters, characters behind (with the marks that touch the word), and N + 1 offsets.

    Case and marks do not count; a run of signs is a word. ``tables``: lower case and kinds (`kernels.curation.text.normalised`).
    """
    limit = len(data) + 1  # signs and letters may stand side by side
    words = (np.empty(limit, np.uint32), np.empty(limit, np.int32), np.empty(limit, np.int32))
    bounds = np.zeros(len(offsets), np.int64)
    for text in range(len(offsets) - 1):
        bounds[text + 1] = _split_one(data, offsets[text], offsets[text + 1], tables, bounds[text], words)
    return words[0][: bounds[-1]], words[1][: bounds[-1]], words[2][: bounds[-1]], bounds


@compiled
def _equal(words: U32, left: int, right: int, size: int) -> bool:
    step = 0
    while step < size and words[left + step] == words[right + step]:
        step += 1
    return step == size


@compiled
def _first_place(words: U32, place: int, size: int, code: np.uint64, slots: I32) -> int:
    """Return where the window of words at a place stood first, and note this one where it never did."""
    slot = np.int64(scrambled(code) & np.uint64(len(slots) - 1))
    while slots[slot] >= 0:
        if _equal(words, slots[slot], place, size):
            return np.int64(slots[slot])
        slot = (slot + 1) & (len(slots) - 1)
    slots[slot] = place
    return place


@compiled
def repeated_spans(words: U32, bounds: I64, limits: I64, size: int, slots: I32) -> tuple[I64, I64, I64, I64]:
    """Return the spans of words covered by windows that stood earlier without overlap: text, first word, word behind, first word there.

    ``limits``: of each text, the word from which on a first place does not count.
    ``slots``: a table of -1, a power of two of at least twice as many as there are words.
    """
    limit = len(words) // size + 1
    texts, starts, ends, sources = (np.empty(limit, np.int64), np.empty(limit, np.int64), np.empty(limit, np.int64), np.empty(limit, np.int64))
    count = 0
    leaving = np.uint64(1)
    for _ in range(size - 1):
        leaving *= _BASE
    for text in range(len(bounds) - 1):
        code = np.uint64(0)
        behind = -1
        for place in range(bounds[text], bounds[text + 1]):
            code = code * _BASE + np.uint64(words[place])
            begin = place - size + 1
            if begin < bounds[text]:
                continue
            first = _first_place(words, begin, size, code, slots)
            code -= np.uint64(words[begin]) * leaving
            if begin - first < size or first >= limits[text]:
                continue
            if begin > behind:
                texts[count], starts[count], sources[count] = text, begin, first
                count += 1
            behind = begin + size
            ends[count - 1] = behind
    return texts[:count], starts[:count], ends[:count], sources[:count]
