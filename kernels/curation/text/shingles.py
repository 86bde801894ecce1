"""Texts normalised for matching, and hashes of their word n-grams over flat arrays."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

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


def normalise(texts: "pl.Series") -> "pl.Series":
    """Return texts for matching: lower case, words of letters and digits joined by one space.

    A text without any keeps its other characters, less white space, so that texts of symbols differ from each other.
    """
    plain = texts.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars(" ")
    symbols = plain == ""
    if not symbols.any():
        return plain
    return plain.zip_with(~symbols, texts.str.replace_all(r"\s+", ""))


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


class Ngrams(NamedTuple):
    """Word n-grams of N texts, flat: hash, byte span in the flat bytes, and the N + 1 offsets by text."""

    hashes: U64
    starts: I64
    ends: I64
    offsets: I64


def ngrams(data: NDArray[np.uint8], text_offsets: I64, n: int, *, whole: bool) -> Ngrams:
    """Return hashes of all runs of ``n`` words of normalised texts, given as `flat_bytes`.

    With ``whole``, a text of fewer words counts as one run; without it, such a text has none.
    """
    is_space = data == 32
    begins = np.ones(len(data), bool)
    begins[1:] = is_space[:-1]
    begins[text_offsets[:-1][text_offsets[:-1] < len(data)]] = True
    starts = np.flatnonzero(begins & ~is_space)
    ends = np.concatenate([starts[1:] - 1, [len(data)]]) if len(starts) else starts
    bounds = np.searchsorted(starts, text_offsets)
    ends[bounds[1:][np.diff(bounds) > 0] - 1] = text_offsets[1:][np.diff(bounds) > 0]
    counts = np.diff(bounds)
    runs = np.maximum(counts - n + 1, (counts > 0).astype(np.int64) if whole else 0)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(runs)])
    first = np.arange(int(offsets[-1]), dtype=np.int64) + np.repeat(bounds[:-1] - offsets[:-1], runs)
    last = np.minimum(first + n, np.repeat(bounds[1:], runs)) - 1
    span_starts, span_ends = starts[first], ends[last]
    return Ngrams(SpanHash(data)(span_starts, span_ends), span_starts, span_ends, offsets)
