"""Why a cell is stale, said in the recipe's words."""

import pytest

from assets.graph.changes import config_changes

LANGUAGE = {"kind": "language", "min_score": 0.5}
QUALITY = {"kind": "gopher_quality", "min_words": 50}
SHOUTING = {"kind": "no_shouting"}


def told(before: object, after: object) -> str:
    (line,) = config_changes({"steps": before}, {"steps": after})
    return line.removeprefix("config changed: ")


def test_equal_configs_have_no_change() -> None:
    assert config_changes({"steps": [LANGUAGE]}, {"steps": [LANGUAGE]}) == []


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ([LANGUAGE, QUALITY], [SHOUTING, LANGUAGE, QUALITY], "filter no_shouting added"),
        ([LANGUAGE, QUALITY], [QUALITY], "filter language removed"),
        (
            [LANGUAGE, QUALITY],
            [SHOUTING, LANGUAGE, {**QUALITY, "min_words": 60}],
            "filter no_shouting added, filter gopher_quality: min_words 50 -> 60",
        ),
        ([LANGUAGE, QUALITY], [QUALITY, LANGUAGE], "filters stand in another order: gopher_quality, language"),
        ([LANGUAGE], [SHOUTING], "filter language removed, filter no_shouting added"),
    ],
)
def test_a_filter_that_comes_or_goes_is_named_and_those_that_move_are_not(
    before: list[dict[str, object]], after: list[dict[str, object]], line: str
) -> None:
    assert told(before, after) == line


def test_a_key_deep_in_a_config_is_told_with_its_path_and_a_list_of_values_whole() -> None:
    before = {"minhash": {"seed": 1, "ngram": 5}, "kinds": ["email"]}
    after = {"minhash": {"seed": 2, "ngram": 5}, "kinds": ["email", "phone"], "new": True}
    assert config_changes(before, after) == ["config changed: minhash.seed 1 -> 2, kinds ['email'] -> ['email', 'phone'], new absent -> True"]
