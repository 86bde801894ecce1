"""FineWeb's own quality rules: lines that end badly, short lines, repeated lines, lists (Penedo et al. 2024, arXiv 2406.17557, section 3.6).

Decisions are those of datatrove 0.10.1's ``FineWebQualityFilter``; the first rule that fails names the reason. The loops are in
`kernels.curation.text.quality`.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kernels.curation.filtering.batch import TextBatch, verdicts
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome


class FinewebQualityConfig(Config):
    """Thresholds of the paper; None disables a rule. Lines are those with more than white space in them."""

    min_stopped_lines: float | None = Field(0.12, ge=0)
    """Least share of lines that end with a stop."""
    allow_no_stopped_lines: bool = False
    """Whether a text passes the first rule when no line at all ends with a stop."""
    stops: tuple[str, ...] | None = None
    """The stops, single characters; None takes the sentence ends of all scripts."""
    max_short_lines: float | None = Field(0.67, ge=0)
    """Greatest share of short lines."""
    short_line_chars: int = Field(30, gt=0)
    """Most characters of a short line."""
    max_duplicate_line_chars: float | None = Field(0.01, ge=0)
    """Greatest share of characters in lines that occurred before."""
    max_lines_per_word: float | None = Field(0.3, ge=0)
    """Most line feeds a word."""
    skip_unspaced: bool = False
    """Whether texts in scripts without spaces between words (Chinese, Japanese, Thai, ...) pass, since these rules do not apply to them."""


@cache
def _stop_table(stops: tuple[str, ...] | None) -> NDArray[np.uint8]:
    """Return by code point whether a character is a stop. Raises ValueError for a stop of more than one character."""
    from datatrove.utils.text import TERMINAL_PUNCTUATION  # pyright: ignore[reportMissingTypeStubs]

    wrong = [stop for stop in stops or () if len(stop) != 1]
    if wrong:
        raise ValueError(f"stops must be single characters, found {wrong}: write each character as an entry of its own")
    table = np.zeros(0x110000, np.uint8)
    table[[ord(stop) for stop in (TERMINAL_PUNCTUATION if stops is None else stops)]] = 1
    return table


def apply(batch: TextBatch, config: FinewebQualityConfig) -> Outcome:
    """Drop texts that fail a rule; texts stay as they are. A text without a filled line has the reason ``empty``."""
    from kernels.curation.text.quality import fineweb_counts

    counts = fineweb_counts(batch.words, _stop_table(config.stops), config.short_line_chars)
    lines, stopped, short, repeated, chars, feeds, words = counts.T.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = [stopped / lines, short / lines, repeated / chars, feeds / words]
    limits = [config.max_short_lines, config.max_duplicate_line_chars, config.max_lines_per_word]
    too_few = shares[0] < (config.min_stopped_lines or 0)
    if config.allow_no_stopped_lines:
        too_few &= stopped > 0
    fails = [too_few, *(share > (np.inf if limit is None else limit) for share, limit in zip(shares[1:], limits, strict=True))]
    names = ("fineweb_few_stopped_lines", "fineweb_short_lines", "fineweb_duplicate_lines", "fineweb_list")
    reasons: list[str | None] = ["empty" if count == 0 else None for count in lines]
    values = np.full(len(lines), np.nan)
    for name, share, failed in reversed(list(zip(names, shares, fails, strict=True))):
        for row in np.flatnonzero(failed & (lines > 0)).tolist():
            reasons[row], values[row] = name, share[row]
    return verdicts(batch, reasons, values, skip_unspaced=config.skip_unspaced)


SPEC = Filter(name="fineweb_quality", version=1, config=FinewebQualityConfig, apply=apply)
