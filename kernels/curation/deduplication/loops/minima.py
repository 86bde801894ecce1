"""The compiled loop from normalised bytes to minimum hashes: words, shingles and permutations in one pass, nothing stored between."""

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
_BLOCK = 512  # shingles at a time: 2 KB, beside the permutations in the first-level cache


@compiled
def scrambled(value: np.uint64) -> np.uint64:
    """Return a value mixed by the splitmix64 finalizer (Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def _lower(block: U32, factors: U32, shifts: U32, lowest: U32) -> None:
    """Lower each permutation's minimum by a block of shingles."""
    for shingle in block:
        for index in range(len(lowest)):
            lowest[index] = min(lowest[index], np.uint32(shingle * factors[index] + shifts[index]))


@compiled
def _lower_text(data: U8, num_words: int, factors: U32, shifts: U32, work: tuple[U64, U32], lowest: U32) -> None:
    """Lower the minima by all shingles of one normalised text. ``work``: a ring of word hashes, a block of shingles."""
    ring, block = work
    leaving = np.uint64(1)
    for _ in range(num_words):
        leaving *= _BASE
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
            block[held] = np.uint32(scrambled(shingle) >> np.uint64(32))
            held += 1
            if held == len(block):
                _lower(block, factors, shifts, lowest)
                held = 0
    _lower(block[:held], factors, shifts, lowest)


@compiled
def minima(data: U8, offsets: I64, num_words: int, factors: U32, shifts: U32) -> U32:
    """Return the minimum of each permutation over the shingles of N normalised texts: [N, K] uint32; the largest value where a text is empty."""
    result = np.full((len(offsets) - 1, len(factors)), np.uint32(0xFFFFFFFF), np.uint32)
    work = (np.empty(num_words, np.uint64), np.empty(_BLOCK, np.uint32))
    for text in range(len(result)):
        if offsets[text + 1] > offsets[text]:
            _lower_text(data[offsets[text] : offsets[text + 1]], num_words, factors, shifts, work, result[text])
    return result
