"""The compiled loops from normalised bytes to minimum hashes and to the set of shingles: each text's words are read once for both."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

_PRIME = np.uint64(0x100000001B3)
_START = np.uint64(0xCBF29CE484222325)
_BASE = np.uint64(0x9E3779B97F4A7C15)


@compiled
def scrambled(value: np.uint64) -> np.uint64:
    """Return a value mixed by the splitmix64 finalizer (Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def _lower(shingles: U32, factors: U32, shifts: U32, lowest: U32) -> None:
    """Lower each permutation's minimum by all shingles."""
    for shingle in shingles:
        for index in range(len(lowest)):
            lowest[index] = min(lowest[index], np.uint32(shingle * factors[index] + shifts[index]))


@compiled
def _read_shingles(data: U8, num_words: int, leaving: np.uint64, ring: U64, shingles: U32) -> int:
    """Write the shingles of one normalised text in order, and return their number. ``ring``: room for the hashes of ``num_words`` words."""
    shingle, word, count, held = np.uint64(0), _START, 0, 0
    for place in range(len(data) + 1):
        if place < len(data) and data[place] != 32:
            word = (word ^ np.uint64(data[place])) * _PRIME
            continue
        word = scrambled(word)
        shingle = shingle * _BASE + word
        slot = count % num_words
        if count >= num_words:
            shingle -= ring[slot] * leaving
        ring[slot] = word
        word = _START
        count += 1
        if count >= num_words or place == len(data):
            shingles[held] = np.uint32(scrambled(shingle) >> np.uint64(32))
            held += 1
    return held


@compiled
def _sort_distinct(values: U32, bounds: U32, out: U32) -> int:
    """Write the distinct values in order and return their number. Hashes are spread evenly, so that as many buckets as values nearly sort them."""
    bits = 1
    while (1 << bits) < len(values):
        bits += 1
    shift = np.uint32(32 - bits)
    bounds[: 1 << bits] = 0
    for value in values:
        bounds[value >> shift] += np.uint32(1)
    total = np.uint32(0)
    for bucket in range(1 << bits):
        total, bounds[bucket] = total + bounds[bucket], total
    for value in values:
        bucket = value >> shift
        out[bounds[bucket]] = value
        bounds[bucket] += np.uint32(1)
    for place in range(1, len(values)):
        value, hole = out[place], place
        while hole > 0 and out[hole - 1] > value:
            out[hole] = out[hole - 1]
            hole -= 1
        out[hole] = value
    count = min(1, len(values))
    for place in range(1, len(values)):
        if out[place] != out[count - 1]:
            out[count] = out[place]
            count += 1
    return count


@compiled
def minima_and_shingles(data: U8, offsets: I64, num_words: int, permutations: tuple[U32, U32], max_shingles: int) -> tuple[U32, U32, I64]:
    """Return of N normalised texts the minima of K permutations [N, K], then their shingles in order, distinct and end to end, and N + 1 offsets.

    Where a text is empty, its minima are the largest value and it has no shingle. Of a text with more than ``max_shingles`` the lowest are given.
    """
    factors, shifts = permutations
    num_texts = len(offsets) - 1
    result = np.full((num_texts, len(factors)), np.uint32(0xFFFFFFFF), np.uint32)
    longest = 0
    for text in range(num_texts):
        longest = max(longest, offsets[text + 1] - offsets[text])
    limit = longest // 2 + 2  # words of one text
    ring, shingles, buckets, ordered = (
        np.empty(num_words, np.uint64),
        np.empty(limit, np.uint32),
        np.empty(4 * limit, np.uint32),
        np.empty(limit, np.uint32),
    )
    values, bounds = np.empty(len(data) // 2 + num_texts + 1, np.uint32), np.zeros(num_texts + 1, np.int64)
    leaving = np.uint64(1)
    for _ in range(num_words):
        leaving *= _BASE
    for text in range(num_texts):
        bounds[text + 1] = bounds[text]
        if offsets[text + 1] > offsets[text]:
            held = _read_shingles(data[offsets[text] : offsets[text + 1]], num_words, leaving, ring, shingles)
            _lower(shingles[:held], factors, shifts, result[text])
            count = min(_sort_distinct(shingles[:held], buckets, ordered), max_shingles)
            values[bounds[text] : bounds[text] + count] = ordered[:count]
            bounds[text + 1] = bounds[text] + count
    return result, values[: bounds[-1]], bounds


@compiled
def resemblance(left: U32, right: U32, max_shingles: int, least: float) -> float:
    """Return the Jaccard similarity of two sets of shingles in order; exact where both are whole, else by their lowest (Broder 1997).

    A set of ``max_shingles`` may have lost higher ones, so that comparing ends where it does. 0 stands for all that is below ``least``.
    """
    is_whole = len(left) < max_shingles and len(right) < max_shingles
    num_needed = np.int64(np.ceil(least * (len(left) + len(right)) / (1 + least) - 1e-9)) if is_whole else 0
    i, j, common, seen = 0, 0, 0, 0
    while (i < len(left) or j < len(right)) and not (i == len(left) and i >= max_shingles) and not (j == len(right) and j >= max_shingles):
        if j == len(right) or (i < len(left) and left[i] < right[j]):
            i += 1
            if len(left) - i + common < num_needed:
                return 0.0
        elif i == len(left) or right[j] < left[i]:
            j += 1
            if len(right) - j + common < num_needed:
                return 0.0
        else:
            common += 1
            i += 1
            j += 1
        seen += 1
    return common / seen if seen and common >= least * seen - 1e-9 else 0.0
