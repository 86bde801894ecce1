"""Gopher repetition rules: repeated lines, paragraphs and word n-grams (Rae et al. 2021, arXiv 2112.11446, table A1).

Given the same words, decisions are those of datatrove 0.10.1's ``GopherRepetitionFilter``; the first rule that fails names the reason.
N-grams are hashed for all texts at once; only texts whose upper bound exceeds the threshold are measured exactly.
"""

import re
from collections import Counter
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from pydantic import Field

from kernels.filters.batch import TextBatch
from kernels.filters.words import I64, U64, SpanHash, Words, flat_bytes, mix
from kernels.specs import Config, Filter, Outcome

if TYPE_CHECKING:
    import polars as pl

_PARAGRAPHS = re.compile(r"\n{2,}")
_LINES = re.compile(r"\n+")
_POSITION_VALUES = mix(np.arange(1, 65, dtype=np.uint64)) | np.uint64(1)

Share = tuple[Annotated[int, Field(ge=1, le=64)], Annotated[float, Field(gt=0)]]


class GopherRepetitionConfig(Config):
    """Greatest shares of the table; None, or no entry, disables a rule."""

    max_duplicate_paragraphs: float | None = Field(0.3, gt=0)
    """Share of paragraphs that occurred before."""
    max_duplicate_paragraph_chars: float | None = Field(0.2, gt=0)
    """Share of characters within them."""
    max_duplicate_lines: float | None = Field(0.3, gt=0)
    """Share of lines that occurred before."""
    max_duplicate_line_chars: float | None = Field(0.2, gt=0)
    """Share of characters within them."""
    max_top_ngram_chars: tuple[Share, ...] = ((2, 0.20), (3, 0.18), (4, 0.16))
    """Pairs (n, share of characters within the commonest n-gram of words)."""
    max_duplicate_ngram_chars: tuple[Share, ...] = ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))
    """Pairs (n, share of characters within n-grams that occurred before, counted without overlap)."""


class _Grams(NamedTuple):
    """All n-grams of N texts, flat: hash, length in characters, and the N + 1 offsets by text."""

    hashes: U64
    chars: I64
    offsets: I64


def _duplicates(parts: list[str]) -> tuple[float, int]:
    """Return the share of parts that occurred before, and the characters in them."""
    counts = Counter(parts)
    chars = sum(len(part) * (count - 1) for part, count in counts.items() if count > 1)
    return (len(parts) - len(counts)) / len(parts), chars


def _repeated_blocks(text: str, config: GopherRepetitionConfig) -> tuple[str, float] | None:
    """Return reason and share of the first rule on paragraphs and lines that one text fails."""
    if "\n" not in text:
        return None
    paragraphs, paragraph_chars = _duplicates(_PARAGRAPHS.split(text.strip()))
    lines, line_chars = _duplicates(_LINES.split(text))
    shares = (
        ("gopher_duplicate_paragraphs", paragraphs, config.max_duplicate_paragraphs),
        ("gopher_duplicate_paragraph_chars", paragraph_chars / len(text), config.max_duplicate_paragraph_chars),
        ("gopher_duplicate_lines", lines, config.max_duplicate_lines),
        ("gopher_duplicate_line_chars", line_chars / len(text), config.max_duplicate_line_chars),
    )
    return next(((reason, share) for reason, share, limit in shares if limit is not None and share > limit), None)


class _WordHashes:
    """N-grams of a batch of words, as sequences of words and as their letters alone."""

    def __init__(self, words: Words) -> None:
        data, self._bytes = flat_bytes(words.word)
        self._spans = SpanHash(data)
        self._words = self._spans(self._bytes[:-1], self._bytes[1:])
        self._chars = np.concatenate([np.zeros(1, np.int64), np.cumsum(words.word.str.len_chars().to_numpy().astype(np.int64))])
        self._texts = words.offsets

    def _first_words(self, n: int) -> tuple[I64, I64]:
        runs = np.maximum(np.diff(self._texts) - n + 1, 0)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(runs)])
        first = np.arange(int(offsets[-1]), dtype=np.int64) + np.repeat(self._texts[:-1] - offsets[:-1], runs)
        return first, offsets

    def spaced(self, n: int) -> _Grams:
        """N-grams joined by spaces: equal where every word is."""
        first, offsets = self._first_words(n)
        hashes = np.zeros(len(first), np.uint64)
        for place in range(n):
            hashes += self._words[first + place] * _POSITION_VALUES[place]
        return _Grams(mix(hashes), self._chars[first + n] - self._chars[first] + n - 1, offsets)

    def joined(self, n: int) -> _Grams:
        """N-grams joined by nothing: equal where their letters are."""
        first, offsets = self._first_words(n)
        return _Grams(self._spans(self._bytes[first], self._bytes[first + n]), self._chars[first + n] - self._chars[first], offsets)


def _bounds(grams: _Grams, *, repeats_only: bool) -> I64:
    """Return by text at least the characters that repeated n-grams (or the commonest one) hold: a count times the greatest length."""
    num_texts = len(grams.offsets) - 1
    bounds = np.zeros(num_texts, np.int64)
    runs = np.diff(grams.offsets)
    if not len(grams.hashes):
        return bounds
    # The text in the high bits, so that one sort of plain integers groups equal n-grams by text; a collision only loosens the bound.
    shift = np.uint64(64 - max(num_texts.bit_length(), 1))
    keys = np.sort((np.repeat(np.arange(num_texts, dtype=np.uint64), runs) << shift) | (grams.hashes >> (np.uint64(64) - shift)))
    counts = np.zeros(num_texts, np.int64)
    if repeats_only:
        counts += np.bincount((keys[1:][keys[1:] == keys[:-1]] >> shift).astype(np.int64), minlength=num_texts)
    else:
        first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        np.maximum.at(counts, (keys[first] >> shift).astype(np.int64), np.diff(first, append=len(keys)))
    filled = np.flatnonzero(runs > 0)
    bounds[filled] = np.maximum.reduceat(grams.chars, grams.offsets[:-1][filled]) * counts[filled]
    return bounds


def _top_chars(hashes: list[int], chars: I64) -> int:
    """Return the characters in all occurrences of the commonest n-gram, the first such in a tie."""
    counts = Counter(hashes)
    top = max(counts, key=lambda gram: counts[gram])
    return int(chars[hashes.index(top)]) * counts[top]


def _repeated_chars(hashes: list[int], chars: I64, n: int) -> int:
    """Return the characters in n-grams that occurred before; one that did is stepped over whole, and not remembered."""
    seen: set[int] = set()
    total = index = 0
    while index < len(hashes):
        if hashes[index] in seen:
            total += int(chars[index])
            index += n
        else:
            seen.add(hashes[index])
            index += 1
    return total


def decide(texts: "pl.Series", words: Words, config: GopherRepetitionConfig) -> list[tuple[str, float] | None]:
    """Return reason and share of the first rule that each of N texts fails, None where it passes all."""
    failures: list[tuple[str, float] | None] = [_repeated_blocks(text, config) for text in texts]
    num_chars = texts.str.len_chars().to_numpy()
    hashes = _WordHashes(words)
    rules = [(n, share, True) for n, share in config.max_top_ngram_chars] + [(n, share, False) for n, share in config.max_duplicate_ngram_chars]
    for n, limit, is_top in rules:
        grams = hashes.spaced(n) if is_top else hashes.joined(n)
        for row in np.flatnonzero(_bounds(grams, repeats_only=not is_top) > limit * num_chars * (1 - 1e-9)).tolist():
            own = slice(grams.offsets[row], grams.offsets[row + 1])
            if failures[row] is not None or own.start == own.stop:
                continue
            values, chars = grams.hashes[own].tolist(), grams.chars[own]
            share = (_top_chars(values, chars) if is_top else _repeated_chars(values, chars, n)) / int(num_chars[row])
            if share > limit:
                failures[row] = (f"gopher_top_{n}_gram" if is_top else f"gopher_duplicate_{n}_grams", share)
    return failures


def apply(batch: TextBatch, config: GopherRepetitionConfig) -> Outcome:
    """Drop texts that fail a rule; texts stay as they are."""
    import polars as pl

    failures = decide(batch.text, batch.words, config)
    reason = pl.Series("reason", [failure and failure[0] for failure in failures], dtype=pl.String)
    return Outcome(batch.text, reason, pl.Series("value", [failure and failure[1] for failure in failures], dtype=pl.Float64))


SPEC = Filter(name="gopher_repetition", version=1, config=GopherRepetitionConfig, apply=apply)
