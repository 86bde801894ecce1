"""The three rules of the survey "Understanding LLMs" (arXiv 2401.02038, section on data): digits, all-caps sentences, symbols.

A text without a digit is dropped; sentences all in capitals are cut out; a text whose symbols outnumber a tenth of its words is dropped.
Symbols are hash signs, ellipses, bullets and the characters of Unicode category S, so that ordinary punctuation is none.
"""

import numpy as np
from pydantic import Field

from kernels.curation.filtering.batch import TextBatch, rewrite, verdicts
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome

_SYMBOLS = r"#|\.{3}|…|•|\p{S}"
_CAPITALS = r"\p{Lu}[^\p{Ll}.!?\n]*"
_SENTENCE = rf"{_CAPITALS}(?:[.!?]+|\n|$)"


class SurveyConfig(Config):
    """Which of the rules to apply; None or false disables one."""

    require_digits: bool
    """Drop texts without a digit."""
    min_capital_words: int | None = Field(ge=1)
    """Cut sentences of at least this many words that are all in capitals; shorter ones are headings and names."""
    max_symbol_word_ratio: float | None = Field(0.1, gt=0)
    """Most symbols a word (the survey's value)."""


def _cut_capitals(text: str, min_words: int) -> str:
    """Return a text without its sentences in capitals; a sentence ends at a full stop, a question or exclamation mark, or a line's end."""
    lines: list[str] = []
    for line in text.split("\n"):
        kept = "".join(sentence for sentence in _sentences(line) if not _is_capital(sentence, min_words))
        if kept.strip() or not line.strip():
            lines.append(kept.rstrip() if kept != line else kept)
    return "\n".join(lines)


def _sentences(line: str) -> list[str]:
    """Cut a line behind its sentence ends and the blanks that follow them."""
    sentences: list[str] = []
    start = place = 0
    while place < len(line):
        if line[place] in ".!?":
            while place < len(line) and (line[place] in ".!?\"')" or line[place].isspace()):
                place += 1
            sentences.append(line[start:place])
            start = place
        else:
            place += 1
    return [*sentences, line[start:]]


def _is_capital(sentence: str, min_words: int) -> bool:
    words = [word for word in sentence.split() if any(char.isalpha() for char in word)]
    return len(words) >= min_words and sentence.upper() == sentence and sentence.lower() != sentence


def apply(batch: TextBatch, config: SurveyConfig) -> Outcome:
    """Cut sentences in capitals, turn by turn; then drop texts without digits or with too many symbols, the value is symbols a word."""
    pieces = batch.pieces.text
    if config.min_capital_words is not None:
        hits: list[int] = np.flatnonzero(pieces.str.contains(_SENTENCE).to_numpy() & batch.pieces.may_be_cut).tolist()
        pieces = rewrite(pieces, dict.fromkeys(hits, config.min_capital_words), _cut_capitals)
    left = batch if pieces is batch.pieces.text else batch.with_pieces(pieces)
    text = left.text
    ratios = text.str.count_matches(_SYMBOLS).to_numpy() / np.maximum(np.diff(left.words.offsets), 1)
    too_many = ratios > (np.inf if config.max_symbol_word_ratio is None else config.max_symbol_word_ratio)
    no_digits = ~text.str.contains(r"\d").to_numpy() if config.require_digits else np.zeros(len(text), bool)
    reasons = ["survey_no_digits" if no else "survey_too_many_symbols" if many else None for no, many in zip(no_digits, too_many, strict=True)]
    return verdicts(batch, reasons, np.where(no_digits, np.nan, ratios))._replace(text=pieces)


SPEC = Filter(name="survey", version=2, config=SurveyConfig, apply=apply)
