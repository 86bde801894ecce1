"""Gopher quality rules: words, symbols, bullets, ellipses and stop words (Rae et al. 2021, arXiv 2112.11446, appendix A.1.1).

Given the same words, decisions are those of datatrove 0.10.1's ``GopherQualityFilter``; the first rule that fails names the reason.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kernels.filters.batch import TextBatch
from kernels.filters.words import Words
from kernels.specs import Config, Filter, Outcome

if TYPE_CHECKING:
    import polars as pl

# The punctuation table of cc_net (Wenzek et al. 2020), which datatrove uses, with control characters and sentence ends of all scripts.
_SYMBOLS = (
    r"^[\p{Sentence_Terminal}!-/:-@\[-`{|}~\x00-\x08\x0b\x0c\x0d-\x1f\x7f-\x9f"
    r"\x{2014}\x{201d}\x{ff05}\x{ff11}\x{3008}\x{3001}\x{2501}\x{3010}\x{300c}\x{300d}\x{ff0c}\x{3011}\x{ff1b}\x{201c}"
    r"\x{300a}\x{201e}\x{2019}\x{2236}\x{b4}\x{ff0e}\x{ff08}\x{2013}\x{ff1f}\x{ff01}\x{ff1a}\x{ff5e}\x{ab}\x{3009}\x{300b}\x{ff09}\x{3002}\x{2026}\x{25ba}\x{bb}]+$"
)


class GopherQualityConfig(Config):
    """Thresholds of the paper; None disables a rule."""

    min_words: int | None = Field(50, gt=0)
    """Fewest words that are not mere symbols."""
    max_words: int | None = Field(100_000, gt=0)
    """Most words that are not mere symbols."""
    min_mean_word_chars: float | None = Field(3, gt=0)
    """Least mean length of those words, in characters."""
    max_mean_word_chars: float | None = Field(10, gt=0)
    """Greatest mean length of those words, in characters."""
    max_symbol_word_ratio: float | None = Field(0.1, gt=0)
    """Most hash signs, and most ellipses, a word."""
    max_bullet_lines_ratio: float | None = Field(0.9, gt=0)
    """Greatest share of lines that begin with a bullet."""
    max_ellipsis_lines_ratio: float | None = Field(0.3, gt=0)
    """Greatest share of lines that end with an ellipsis."""
    min_alpha_words_ratio: float | None = Field(0.8, gt=0)
    """Least share of words with a letter in them."""
    min_stop_words: int | None = Field(2, gt=0)
    """Fewest different stop words, case sensitive."""
    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")
    """The stop words of the paper (English)."""


class _Measure(NamedTuple):
    reason: str
    value: NDArray[np.float64]
    fails: NDArray[np.bool_]


def _sums(values: "pl.Series", offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum flat values (or count True) by text."""
    totals = np.concatenate([np.zeros(1, np.int64), np.cumsum(values.to_numpy().astype(np.int64))])
    return totals[offsets[1:]] - totals[offsets[:-1]]


def _line_shares(text: str) -> tuple[float, float]:
    """Return the shares of lines that begin with a bullet and that end with an ellipsis."""
    bullets, ellipses = "-" in text or "•" in text, "..." in text or "…" in text
    if not bullets and not ellipses:
        return 0.0, 0.0
    lines = text.splitlines()
    begin = sum(line.lstrip().startswith(("•", "-")) for line in lines) if bullets else 0
    end = sum(line.rstrip().endswith(("...", "…")) for line in lines) if ellipses else 0
    return begin / max(len(lines), 1), end / max(len(lines), 1)


def _stop_word_counts(words: Words, stop_words: tuple[str, ...]) -> NDArray[np.int64]:
    counts = np.zeros(len(words.offsets) - 1, np.int64)
    for stop_word in dict.fromkeys(stop_words):
        counts += _sums(words.word == stop_word, words.offsets) > 0
    return counts


def _word_measures(words: Words, config: GopherQualityConfig) -> list[_Measure]:
    symbols = words.word.str.contains(_SYMBOLS)
    lengths = words.word.str.len_chars()
    counts = _sums(~symbols, words.offsets).astype(np.float64)
    mean = _sums(lengths * (~symbols).cast(lengths.dtype), words.offsets) / counts
    return [
        _Measure("gopher_too_few_words", counts, _below(counts, config.min_words)),
        _Measure("gopher_too_many_words", counts, _above(counts, config.max_words)),
        _Measure("gopher_short_words", mean, _below(mean, config.min_mean_word_chars)),
        _Measure("gopher_long_words", mean, _above(mean, config.max_mean_word_chars)),
    ]


def _text_measures(texts: "pl.Series", words: Words, config: GopherQualityConfig) -> list[_Measure]:
    num_words = np.diff(words.offsets)
    hashes = texts.str.count_matches("#", literal=True).to_numpy() / num_words
    dots = texts.str.count_matches("...", literal=True) + texts.str.count_matches("…", literal=True)
    ellipses = dots.to_numpy() / num_words
    bullet_lines, ellipsis_lines = np.array([_line_shares(text) for text in texts]).reshape(-1, 2).T
    alpha = _sums(words.word.str.contains(r"\p{L}"), words.offsets) / num_words
    stop_words = _stop_word_counts(words, config.stop_words).astype(np.float64)
    return [
        _Measure("gopher_too_many_hashes", hashes, _above(hashes, config.max_symbol_word_ratio)),
        _Measure("gopher_too_many_ellipses", ellipses, _above(ellipses, config.max_symbol_word_ratio)),
        _Measure("gopher_too_many_bullet_lines", bullet_lines, _above(bullet_lines, config.max_bullet_lines_ratio)),
        _Measure("gopher_too_many_ellipsis_lines", ellipsis_lines, _above(ellipsis_lines, config.max_ellipsis_lines_ratio)),
        _Measure("gopher_too_few_alpha_words", alpha, _below(alpha, config.min_alpha_words_ratio)),
        _Measure("gopher_too_few_stop_words", stop_words, _below(stop_words, config.min_stop_words)),
    ]


def _above(values: NDArray[np.float64], limit: float | None) -> NDArray[np.bool_]:
    return values > limit if limit is not None else np.zeros(len(values), bool)


def _below(values: NDArray[np.float64], limit: float | None) -> NDArray[np.bool_]:
    return values < limit if limit is not None else np.zeros(len(values), bool)


def decide(texts: "pl.Series", words: Words, config: GopherQualityConfig) -> list[tuple[str, float] | None]:
    """Return reason and value of the first rule that each of N texts fails, None where it passes all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        measures = _word_measures(words, config) + _text_measures(texts, words, config)
    failures: list[tuple[str, float] | None] = [None] * len(texts)
    for measure in reversed(measures):
        for row in np.flatnonzero(measure.fails).tolist():
            failures[row] = (measure.reason, float(measure.value[row]))
    return failures


def apply(batch: TextBatch, config: GopherQualityConfig) -> Outcome:
    """Drop texts that fail a rule; texts stay as they are."""
    import polars as pl

    failures = decide(batch.text, batch.words, config)
    reason = pl.Series("reason", [failure and failure[0] for failure in failures], dtype=pl.String)
    return Outcome(batch.text, reason, pl.Series("value", [failure and failure[1] for failure in failures], dtype=pl.Float64))


SPEC = Filter(name="gopher_quality", version=1, config=GopherQualityConfig, apply=apply)
