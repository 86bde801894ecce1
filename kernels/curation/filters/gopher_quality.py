"""Gopher quality rules: words, symbols, bullets, ellipses and stop words (Rae et al. 2021, arXiv 2112.11446, appendix A.1.1).

Decisions are those of datatrove 0.10.1's ``GopherQualityFilter``; the first rule that fails names the reason. The loops are in
`kernels.curation.text.quality`.
"""

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kernels.curation.filtering.batch import TextBatch, verdicts
from kernels.curation.text.stop_words import STOP_WORDS, Language
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome


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
    stop_words: Language | Annotated[tuple[str, ...], Field(max_length=64)] = "en"
    """The stop words of a language (``en``: those of the paper), or words of your own."""
    skip_unspaced: bool = False
    """Whether texts in scripts without spaces between words (Chinese, Japanese, Thai, ...) pass, since these rules do not apply to them."""


class _Measure(NamedTuple):
    reason: str
    value: NDArray[np.float64]
    fails: NDArray[np.bool_]


def _measures(counts: NDArray[np.int64], config: GopherQualityConfig) -> list[_Measure]:
    """Return the rules in the order in which they are asked."""
    num_words, plain, plain_chars, letters, stops, hashes, ellipses, lines, bullets, line_ellipses = counts.T.astype(np.float64)
    mean = plain_chars / plain
    return [
        _below("gopher_too_few_words", plain, config.min_words),
        _above("gopher_too_many_words", plain, config.max_words),
        _below("gopher_short_words", mean, config.min_mean_word_chars),
        _above("gopher_long_words", mean, config.max_mean_word_chars),
        _above("gopher_too_many_hashes", hashes / num_words, config.max_symbol_word_ratio),
        _above("gopher_too_many_ellipses", ellipses / num_words, config.max_symbol_word_ratio),
        _above("gopher_too_many_bullet_lines", bullets / lines, config.max_bullet_lines_ratio),
        _above("gopher_too_many_ellipsis_lines", line_ellipses / lines, config.max_ellipsis_lines_ratio),
        _below("gopher_too_few_alpha_words", letters / num_words, config.min_alpha_words_ratio),
        _below("gopher_too_few_stop_words", stops, config.min_stop_words),
    ]


def _above(reason: str, values: NDArray[np.float64], limit: float | None) -> _Measure:
    return _Measure(reason, values, values > limit if limit is not None else np.zeros(len(values), bool))


def _below(reason: str, values: NDArray[np.float64], limit: float | None) -> _Measure:
    return _Measure(reason, values, values < limit if limit is not None else np.zeros(len(values), bool))


def apply(batch: TextBatch, config: GopherQualityConfig) -> Outcome:
    """Drop texts that fail a rule; texts stay as they are."""
    from kernels.curation.text.quality import gopher_counts
    from kernels.curation.text.words import word_hashes

    stop_words = STOP_WORDS[config.stop_words] if isinstance(config.stop_words, str) else config.stop_words
    with np.errstate(divide="ignore", invalid="ignore"):
        measures = _measures(gopher_counts(batch.words, word_hashes(stop_words)), config)
    reasons: list[str | None] = [None] * len(batch.text)
    values = np.zeros(len(batch.text))
    for measure in reversed(measures):
        for row in np.flatnonzero(measure.fails).tolist():
            reasons[row], values[row] = measure.reason, measure.value[row]
    return verdicts(batch, reasons, values, skip_unspaced=config.skip_unspaced)


SPEC = Filter(name="gopher_quality", version=2, config=GopherQualityConfig, apply=apply)
