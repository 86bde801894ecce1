"""Texts dropped for listed words."""

from typing import Any, get_args

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters.toxicity_lexicon import (
    Language,
    ToxicityLexiconConfig,
    _patterns,  # pyright: ignore[reportPrivateUsage]
    apply,
)


def config(**settings: Any) -> ToxicityLexiconConfig:
    return ToxicityLexiconConfig.model_validate({"languages": ["en"], "max_share": 0.2, "action": "drop", **settings})


def shares(texts: list[str], **settings: Any) -> list[float]:
    return apply(TextBatch(pl.Series(texts, dtype=pl.String)), config(**settings)).tags["toxic_share"].to_list()


def test_a_text_is_dropped_by_the_share_of_its_letters_in_listed_words() -> None:
    outcome = apply(TextBatch(pl.Series(["SHIT, shit!", "oh shit what a day", ""])), config())
    assert outcome.reason.to_list() == ["toxic_words", "toxic_words", None]
    assert outcome.value.to_list() == [1, pytest.approx(4 / 14), None]


def test_a_text_that_is_only_tagged_is_kept() -> None:
    outcome = apply(TextBatch(pl.Series(["shit"])), config(action="tag"))
    assert (outcome.reason.to_list(), outcome.tags["toxic_share"].to_list()) == ([None], [1])


@pytest.mark.parametrize("text", ["Scunthorpe", "a classic assessment", "shitake mushrooms", "cockpit", "don't", "123", "\u200b\u0301"])
def test_a_listed_word_within_another_does_not_count(text: str) -> None:
    assert shares([text]) == [0]


def test_a_phrase_counts_once_and_as_a_whole() -> None:
    assert shares(["so what,\nyou know"], extra_words=["what you"]) == [pytest.approx(7 / 13)]
    assert shares(["xx me cago en la puta xx"], languages=["es"]) == [pytest.approx(14 / 18)]


OFFENCES = [("ar", "يا زبالة"), ("zh", "他说操妳了"), ("es", "¡PENDEJO!"), ("de", "So ein ARSCHLOCH"), ("ru", "сука")]


@pytest.mark.parametrize(("language", "text"), OFFENCES)
def test_many_languages_are_known_with_and_without_spaces(language: str, text: str) -> None:
    assert shares([text], languages=[language])[0] > 0
    assert shares(["a clean text"], languages=[language]) == [0]


def test_accents_count_in_either_form() -> None:
    assert shares(["maric\u00f3n", "marico\u0301n"], languages=["es"]) == [1, 1]


def test_a_recipe_adds_and_excepts_words() -> None:
    assert shares(["bleep", "shit"], extra_words=["Bleep"], except_words=["SHIT"]) == [1, 0]


def test_an_excepted_word_that_is_on_no_list_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\['flower'\] are on no list of \['en'\]"):
        shares(["x"], except_words=["flower"])


def test_no_texts_have_no_shares() -> None:
    assert shares([]) == []


def test_every_language_has_a_list_and_no_list_is_left_out() -> None:
    assert all(_patterns((language,), (), ()).height > 5 for language in get_args(Language))
    assert _patterns(get_args(Language), (), ()).height > 4000


@pytest.mark.parametrize(
    "text",
    [
        "Sperm counts and sexual intercourse in clinical use",
        "a rape trial",
        "the Nazi party in the Reich",
        "lesbian and gay parents",
        "Penistone and Cox",
    ],
)
def test_bodies_crimes_parties_and_people_called_by_their_names_weigh_nothing(text: str) -> None:
    assert shares([text]) == [0]


def test_a_mild_word_weighs_less_than_a_slur_and_one_of_neither_list_the_least() -> None:
    slur, mild, insult = shares(["you faggot", "you bastard", "you moronic"])
    assert slur > mild > insult > 0


def test_words_of_the_list_by_which_c4_drops_pages_count() -> None:
    assert all(share > 0 for share in shares(["blowjob", "circlejerk", "goatse", "nig nog", "poopchute"]))


@pytest.mark.parametrize("text", ["f*ck", "F***", "motherf**ker", "sh*t", "b*tch", "a**hole", "n***er"])
def test_starred_letters_hide_no_word(text: str) -> None:
    assert shares([text])[0] > 0.4


@pytest.mark.parametrize("text", ["f(x) = a*b", "# s*t", "c#n", "5*3 b!=c"])
def test_stars_and_signs_of_code_are_no_words(text: str) -> None:
    assert shares([text]) == [0]
