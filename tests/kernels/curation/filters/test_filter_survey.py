"""The survey's three rules."""

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters import survey
from kernels.curation.filters.survey import SurveyConfig

PLAIN = "In 1999 it rained for 3 days."


def _apply(text: str, **settings: object):
    config = SurveyConfig(**{"require_digits": False, "min_capital_words": None, "max_symbol_word_ratio": None, **settings})
    outcome = survey.apply(TextBatch(pl.Series([text])), config)
    return outcome.text[0], outcome.reason[0], outcome.value[0]


def test_a_text_without_digits_is_dropped() -> None:
    assert _apply("No number here.", require_digits=True) == ("No number here.", "survey_no_digits", None)
    assert _apply(PLAIN, require_digits=True)[1] is None


def test_a_text_with_more_symbols_than_a_tenth_of_its_words_is_dropped_with_the_ratio() -> None:
    text = "# one two three $ four"
    assert _apply(text, max_symbol_word_ratio=0.1)[1:] == ("survey_too_many_symbols", pytest.approx(2 / 6))


def test_punctuation_is_no_symbol() -> None:
    assert _apply('Well, yes; no: (maybe) - "so"!', max_symbol_word_ratio=0.01)[1] is None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hello there. BUY NOW AND SAVE! It works.", "Hello there. It works."),
        ("First line.\nCLICK HERE TO WIN\nLast line.", "First line.\nLast line."),
        ("NASA won. It did.", "NASA won. It did."),
        ("THE END.", "THE END."),
        ("THIS IS ALL CAPS TEXT", ""),
        ("ПОКУПАЙТЕ ПРЯМО СЕЙЧАС ВСЕ. Да.", "Да."),
    ],
)
def test_sentences_in_capitals_are_cut_out(text: str, left: str) -> None:
    assert _apply(text, min_capital_words=3)[0] == left


def test_a_text_without_words_passes_no_division_by_zero() -> None:
    assert _apply(" \n", max_symbol_word_ratio=0.1)[1] is None
