"""Names found by the language model."""

import polars as pl
import pytest

from kernels.curation.personal import names
from kernels.curation.personal.names import find_names

pytest.importorskip("presidio_analyzer")
pytest.importorskip(names.MODEL)

TEXT = "Barack Obama visited London in May to meet people of Microsoft."


def test_people_places_and_organisations_are_found() -> None:
    found = find_names(pl.Series(["", TEXT]), ("person", "place", "organisation"))
    assert {(span.kind, TEXT[span.start : span.end]) for span in found[1]} == {
        ("person", "Barack Obama"),
        ("place", "London"),
        ("organisation", "Microsoft"),
    }
    assert list(found) == [1]


def test_only_the_kinds_asked_for_are_found() -> None:
    assert {span.kind for span in find_names(pl.Series([TEXT]), ("place", "email"))[0]} == {"place"}


def test_a_long_text_is_read_in_parts_with_places_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MAX_CHARS", 80)
    text = f"{TEXT} {TEXT} {TEXT}"
    found = find_names(pl.Series([text]), ("person",))[0]
    assert [text[span.start : span.end] for span in found] == ["Barack Obama"] * 3


def test_a_possessive_ending_is_not_part_of_a_name() -> None:
    text = "I met Barack Obama's wife."
    assert [text[span.start : span.end] for span in find_names(pl.Series([text]), ("person",))[0]] == ["Barack Obama"]


def test_a_missing_model_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "find_spec", lambda module: None)
    names._analyzer.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="presidio-analyzer: install it, or leave person"):
        find_names(pl.Series([TEXT]), ("person",))
