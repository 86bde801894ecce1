"""Exact match and token F1 after SQuAD's and MLQA's normalisation."""

import json
import string
from pathlib import Path

import pytest

from kernels.evals.metrics.answers import exact_match, normalise, token_f1


def test_case_punctuation_articles_and_space_of_english_go() -> None:
    assert normalise("  The U.S.A., an\tally of A-team  ") == "usa ally of ateam"


def test_articles_go_only_as_words() -> None:
    assert normalise("theatre of a banana") == "theatre of banana"


def test_english_keeps_punctuation_beyond_ascii_as_squad_does_and_spanish_does_not() -> None:
    assert normalise("1986–1990") == "1986–1990"
    assert normalise("1986–1990", "es") == "19861990"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("es", "¿La casa de los Alba?", "casa de alba"),
        ("de", "Der Hund des Mannes", "hund mannes"),
        ("vi", "những con mèo của Lan", "con mèo lan"),
        ("ar", "الكتاب", "كتاب"),
        ("hi", "राम।", "राम"),
        ("zh", "北京 the BBC，2008年", "北 京 the bbc2008 年"),
        ("ru", "«Война и мир»", "война и мир"),
    ],
)
def test_each_language_has_its_articles_and_segments(language: str, text: str, expected: str) -> None:
    assert normalise(text, language) == expected


def test_an_unknown_language_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="no rule for answers in 'xx'; name one of en, es"):
        normalise("a", "xx")


def test_exact_match_takes_any_reference() -> None:
    assert exact_match("the Eiffel tower!", ["tower", "Eiffel Tower"]) == 1
    assert exact_match("Eiffel", ["tower", "Eiffel Tower"]) == 0


def test_f1_counts_tokens_as_often_as_both_have_them() -> None:
    # Common: red, red; precision 2/3, recall 2/4.
    assert token_f1("red red fox", ["red red blue blue"]) == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))


def test_f1_is_that_of_the_best_reference() -> None:
    assert token_f1("Denver Broncos", ["Carolina", "the Broncos"]) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("answer", "expected"), [("", 1), ("the.", 1), ("Paris", 0)])
def test_a_question_without_an_answer_is_answered_by_nothing(answer: str, expected: float) -> None:
    assert exact_match(answer, []) == token_f1(answer, []) == expected


def test_nothing_is_no_answer_where_there_is_one() -> None:
    assert exact_match("", ["Paris"]) == token_f1("", ["Paris"]) == 0


def test_chinese_f1_goes_by_characters() -> None:
    assert token_f1("北京市", ["北京"], "zh") == pytest.approx(0.8)


@pytest.mark.parametrize("language", ["en", "es", "vi", "zh"])
def test_real_answers_match_themselves_in_every_language(shared_data: Path, language: str) -> None:
    file = shared_data / "xquad" / f"xquad.{language}.json"
    if not file.is_file():
        pytest.skip(f"no real data at {file}")
    data = json.loads(file.read_text(encoding="utf-8"))["data"]
    answers = [item["text"] for article in data for text in article["paragraphs"] for asked in text["qas"] for item in asked["answers"]]
    assert len(answers) == 1190
    assert {exact_match(f" {answer.upper()}.", [answer.upper()], language) for answer in answers} == {1}
    assert {token_f1(answer, [answer], language) for answer in answers} == {1}
    assert not any(mark in normalise(answer, language) for answer in answers for mark in string.punctuation)
