"""Gopher repetition rules: repeated lines, paragraphs and word n-grams (Rae et al. 2021, arXiv 2112.11446, table A1).

Decisions are those of datatrove 0.10.1's ``GopherRepetitionFilter``; the first rule that fails names the reason.
The loops are in `kernels.curation.text.repetition`.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from kernels.curation.filtering.batch import TextBatch, verdicts
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome

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
    skip_unspaced: bool = False
    """Whether texts in scripts without spaces between words (Chinese, Japanese, Thai, ...) pass, since these rules do not apply to them."""


def _limit(share: float | None) -> float:
    return np.inf if share is None else share


def apply(batch: TextBatch, config: GopherRepetitionConfig) -> Outcome:
    """Drop texts that fail a rule; texts stay as they are. The value is the share."""
    from kernels.curation.text import repetition

    top, duplicate = sorted(config.max_top_ngram_chars), config.max_duplicate_ngram_chars
    limits = repetition.Limits(
        _limit(config.max_duplicate_paragraphs),
        _limit(config.max_duplicate_paragraph_chars),
        _limit(config.max_duplicate_lines),
        _limit(config.max_duplicate_line_chars),
        np.array([n for n, _ in top], np.int64),
        np.array([share for _, share in top], np.float64),
        np.array([n for n, _ in duplicate], np.int64),
        np.array([share for _, share in duplicate], np.float64),
    )
    failed, share = repetition.judge(batch.words, limits)
    reasons = {
        repetition.PARAGRAPHS: "gopher_duplicate_paragraphs",
        repetition.PARAGRAPH_CHARS: "gopher_duplicate_paragraph_chars",
        repetition.LINES: "gopher_duplicate_lines",
        repetition.LINE_CHARS: "gopher_duplicate_line_chars",
        **{repetition.TOP + n: f"gopher_top_{n}_gram" for n, _ in top},
        **{repetition.DUPLICATES + n: f"gopher_duplicate_{n}_grams" for n, _ in duplicate},
    }
    return verdicts(batch, [reasons.get(code) for code in failed.tolist()], share, skip_unspaced=config.skip_unspaced)


SPEC = Filter(name="gopher_repetition", version=2, config=GopherRepetitionConfig, apply=apply)
