"""Language identification by the model inside the package."""

import polars as pl
import pytest

from kernels.filters import language
from kernels.filters.batch import TextBatch
from kernels.filters.language import LanguageConfig

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
