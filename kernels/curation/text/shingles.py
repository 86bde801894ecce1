"""Hashes of the runs of words of normalised texts, over flat arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]


def mix(values: U64) -> U64:
    """Return 64-bit values scrambled by the splitmix64 finalizer (Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_BASE = np.uint64(0x9E3779B97F4A7C15)
_BASE_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_BYTE_VALUES = mix(np.arange(1, 257, dtype=np.uint64))


class SpanHash:
    """Hashes of any byte span in constant time: a polynomial over the bytes modulo 2**64, the same at every position."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        powers = np.full(len(data) + 1, _BASE_INVERSE)
        powers[0] = 1
        self._back: U64 = np.multiply.accumulate(powers)
        powers[1:] = _BASE
        powers = np.multiply.accumulate(powers)
        self._sums = np.zeros(len(data) + 1, np.uint64)
        np.cumsum(_BYTE_VALUES[data] * powers[:-1], out=self._sums[1:])

    def __call__(self, starts: I64, ends: I64) -> U64:
        """Return the hash of each span starts[i]:ends[i]."""
        return mix((self._sums[ends] - self._sums[starts]) * self._back[starts])


WORD_WEIGHT = 4
"""Of a word; a character of Han, kana or Yi weighs 2, one of Thai, Lao, Khmer, Myanmar or Tibetan 1: so many of them make about a word."""


class Runs(NamedTuple):
    """Runs of words of N texts, flat: hash, byte span in the flat bytes, and the N + 1 offsets by text."""

    hashes: U64
    starts: I64
    ends: I64
    offsets: I64


class _Words(NamedTuple):
    """Words of N texts: byte spans, the N + 1 offsets by text, and what each weighs."""

    starts: I64
    ends: I64
    bounds: I64
    weights: I64


def text_weights(data: NDArray[np.uint8], text_offsets: I64) -> I64:
    """Return what all words of each of N normalised texts weigh."""
    words = _words(data, text_offsets)
    return np.diff(np.concatenate([np.zeros(1, np.int64), np.cumsum(words.weights)])[words.bounds])


def runs(data: NDArray[np.uint8], text_offsets: I64, weight: int) -> Runs:
    """Return the run from each word on that weighs at least so much, of normalised texts (words alone), given as `flat_bytes`."""
    words = _words(data, text_offsets)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(words.weights)])
    if np.all(words.weights == WORD_WEIGHT):
        last = np.arange(len(words.starts)) + (weight - 1) // WORD_WEIGHT
    else:
        last = np.searchsorted(before[1:], before[:-1] + weight)
    counts = np.diff(words.bounds)
    first = np.flatnonzero(last < np.repeat(words.bounds[1:], counts))
    starts, ends = words.starts[first], words.ends[last[first]]
    return Runs(SpanHash(data)(starts, ends), starts, ends, np.searchsorted(first, words.bounds))


def _words(data: NDArray[np.uint8], text_offsets: I64) -> _Words:
    """Return where words begin and end: between single spaces, and at the ends of texts."""
    is_space = data == 32
    begins = np.ones(len(data), bool)
    begins[1:] = is_space[:-1]
    begins[text_offsets[:-1][text_offsets[:-1] < len(data)]] = True
    starts = np.flatnonzero(begins & ~is_space)
    ends = np.concatenate([starts[1:] - 1, [len(data)]]) if len(starts) else starts
    bounds = np.searchsorted(starts, text_offsets)
    ends[bounds[1:][np.diff(bounds) > 0] - 1] = text_offsets[1:][np.diff(bounds) > 0]
    return _Words(starts, ends, bounds, _weights(data, starts, ends))


def _weights(data: NDArray[np.uint8], starts: I64, ends: I64) -> I64:
    """Return what words weigh: those of one character of a script without spaces less than others."""
    from kernels.curation.text.normalise_bytes import ALONE
    from kernels.curation.text.normalised import kind_table

    weights = np.full(len(starts), WORD_WEIGHT, np.int64)
    sizes, lead = ends - starts, data[starts]
    short = np.flatnonzero((sizes == 3) & (lead >= 0xE0) | (sizes == 4) & (lead >= 0xF0))
    codes = np.zeros(len(short), np.int64)
    for step in range(4):
        byte = data[np.minimum(starts[short] + step, len(data) - 1)].astype(np.int64)
        bits = byte & np.where(sizes[short] == 3, 0x0F, 0x07) if step == 0 else byte & 0x3F
        codes = np.where(step < sizes[short], codes << 6 | bits, codes)
    alone = kind_table()[codes] == ALONE
    clustered = (codes < 0x2E80) | (codes >= 0xA980) & (codes < 0xAC00) | (codes >= 0x11700) & (codes < 0x11750)
    weights[short[alone]] = np.where(clustered[alone], 1, 2)
    return weights
