"""FineWeb's own rules."""

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters import fineweb_quality
from kernels.curation.filters.fineweb_quality import FinewebQualityConfig

GOOD = "A line of prose that is long enough to count as one.\nAnother line of prose that says something else entirely.\n"


def _apply(text: str, **settings: object) -> tuple[str | None, float | None]:
    outcome = fineweb_quality.apply(TextBatch(pl.Series([text, GOOD])), FinewebQualityConfig(**settings))
    assert outcome.reason[1] is None
    return outcome.reason[0], outcome.value[0]


@pytest.mark.parametrize(
    ("text", "reason", "value"),
    [
        (" \n\n", "empty", None),
        ("A line without an end that is long enough\n" * 3, "fineweb_few_stopped_lines", 0.0),
        ("Short line.\n" + "But this one is long enough, much more than thirty characters.", None, None),
        ("Short.\nAlso.\nThis.\n" + GOOD.split("\n")[0], "fineweb_short_lines", 0.75),
        (GOOD + GOOD, "fineweb_duplicate_lines", 0.5),
        ("Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.\nBbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.", None, None),
    ],
)
def test_each_rule_names_itself_and_its_value(text: str, reason: str | None, value: float | None) -> None:
    assert _apply(text) == (reason, pytest.approx(value) if value is not None else None)


def test_lists_are_dropped() -> None:
    reason, value = _apply("\n".join(f"{'x' * 40}{number}." for number in range(10)), max_lines_per_word=0.3)
    assert (reason, value) == ("fineweb_list", pytest.approx(9 / 20))


def test_a_text_without_any_stop_may_pass_where_asked() -> None:
    text = "A line without an end that is long enough and another\n"
    assert _apply(text)[0] == "fineweb_few_stopped_lines"
    assert _apply(text, allow_no_stopped_lines=True)[0] is None


def test_stops_are_single_characters_of_any_script() -> None:
    assert _apply("これは十分に長い行であり、最後に句点が付いているので、規則を満たしているはずである。")[0] is None
    with pytest.raises(ValueError, match="single characters"):
        _apply("x", stops=("...",))
