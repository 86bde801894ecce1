"""Language identification by the model inside the package."""

import json
from pathlib import Path

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters import language
from kernels.curation.filters.language import LanguageConfig

ENGLISH = "The committee met on Tuesday to discuss\nthe budget of the coming year."
VIETNAMESE = "Hội đồng đã họp vào thứ ba để thảo luận về ngân sách của năm tới."
GERMAN = "Der Ausschuss traf sich am Dienstag, um über den Haushalt zu beraten."


@pytest.mark.parametrize(("languages", "kept"), [(("en",), [True, False, False]), (("en", "vi"), [True, True, False])])
def test_only_wanted_languages_are_kept(languages: tuple[str, ...], kept: list[bool]) -> None:
    outcome = language.apply(TextBatch(pl.Series([ENGLISH, VIETNAMESE, GERMAN])), LanguageConfig(languages=languages, min_score=0.65))
    assert outcome.reason.is_null().to_list() == kept
    assert outcome.value.is_null().to_list() == kept
    assert outcome.reason.drop_nulls().unique().to_list() == ["language"]


def test_a_dropped_text_shows_the_best_score_of_the_wanted_languages() -> None:
    outcome = language.apply(TextBatch(pl.Series([GERMAN, " \n"])), LanguageConfig(languages=("en",), min_score=0.65))
    assert 0 <= outcome.value[0] < 0.2
    assert outcome.value[1] == 0


def test_the_end_of_a_long_text_counts() -> None:
    text = "Budget 2024. " * 8 + VIETNAMESE * 20
    assert language.apply(TextBatch(pl.Series([text])), LanguageConfig(languages=("vi",), min_score=0.65)).reason.to_list() == [None]


def test_languages_and_score_must_be_chosen() -> None:
    with pytest.raises(ValueError, match="min_score"):
        LanguageConfig.model_validate({"languages": ["en"]})
    with pytest.raises(ValueError, match="languages"):
        LanguageConfig.model_validate({"languages": [], "min_score": 0.5})


def test_each_language_may_have_its_own_threshold() -> None:
    config = LanguageConfig(languages=("en", "vi"), min_score={"en": 0.5, "vi": 1.0})
    assert language.apply(TextBatch(pl.Series([ENGLISH, VIETNAMESE])), config).reason.to_list() == [None, "language"]
    with pytest.raises(ValueError, match="give each language one score"):
        LanguageConfig(languages=("en", "vi"), min_score={"en": 0.5})


def test_every_text_is_tagged_with_its_likeliest_language_wanted_or_not() -> None:
    tags = language.apply(TextBatch(pl.Series([ENGLISH, GERMAN, " "])), LanguageConfig(languages=("en",), min_score=0.65)).tags
    assert tags["language"].to_list() == ["en", "de", None]
    assert tags["language_score"][1] > 0.9


def test_only_the_beginning_counts_where_asked() -> None:
    config = LanguageConfig(languages=("en",), min_score=0.65, max_chars=70)
    assert language.apply(TextBatch(pl.Series([ENGLISH + "\n" + VIETNAMESE * 20])), config).reason.to_list() == [None]


ARABIC = [
    "اجتمعت اللجنة يوم الثلاثاء لمناقشة ميزانية العام القادم",
    "يقع هذا البيت القديم على ضفة النهر بين أشجار كثيرة",
    "تعلمت القراءة والكتابة في مدرسة صغيرة",
]


def test_arabic_is_told() -> None:
    config = LanguageConfig(languages=("ar",), min_score=0.65)
    assert language.apply(TextBatch(pl.Series(ARABIC)), config).reason.to_list() == [None] * 3


@pytest.mark.parametrize("code", ["en", "es", "vi", "zh"])
def test_paragraphs_of_four_languages_are_told_apart(code: str, shared_data: Path) -> None:
    data = json.loads((shared_data / "xquad" / f"xquad.{code}.json").read_text("utf-8"))["data"]
    paragraphs = [paragraph["context"] for article in data for paragraph in article["paragraphs"]]
    tags = language.apply(TextBatch(pl.Series(paragraphs)), LanguageConfig(languages=(code,), min_score=0.5)).tags
    assert (tags["language"] == code).sum() >= 0.99 * len(paragraphs) > 200
