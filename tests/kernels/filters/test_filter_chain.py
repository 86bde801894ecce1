"""Chains: order, what is kept, and what is written down of the rest."""

from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from kernels.documents import DOCUMENTS, document_table
from kernels.filters.chain import DROPPED, apply_filters
from kernels.specs import Config, Document, Filter, Outcome


def _filter(name: str, decide: Any) -> tuple[Filter, Config]:
    def apply(texts: pl.Series, config: Config) -> Outcome:
        rows = [decide(text) for text in texts]
        return Outcome(
            pl.Series([row[0] for row in rows], dtype=pl.String),
            pl.Series([row[1] for row in rows], dtype=pl.String),
            pl.Series([row[2] for row in rows], dtype=pl.Float64),
        )

    return Filter(name=name, version=1, config=Config, apply=apply), Config()


NO_SHORT = _filter("no_short", lambda text: (text, "short" if len(text) < 3 else None, float(len(text)) if len(text) < 3 else None))
NO_X = _filter("no_x", lambda text: (text.replace("x", ""), None, None))


def _documents(*texts: str) -> pa.Table:
    return document_table("s", "f", [Document(key=str(number), text=text) for number, text in enumerate(texts)])


def test_each_filter_sees_what_the_one_before_left() -> None:
    kept, dropped = apply_filters(_documents("axxbc", "axx", "abcd"), [NO_X, NO_SHORT])
    assert kept["text"].to_pylist() == ["abc", "abcd"]
    assert dropped.to_pylist() == [{"id": "s/f#1", "filter": "no_short", "reason": "short", "value": 1.0, "text": "a"}]


def test_a_text_left_empty_is_dropped_with_an_excerpt_of_what_it_was() -> None:
    kept, dropped = apply_filters(_documents("x" * 300, "abc"), [NO_X])
    assert kept["id"].to_pylist() == ["s/f#1"]
    assert dropped.to_pylist() == [{"id": "s/f#0", "filter": "no_x", "reason": "empty", "value": None, "text": "x" * 200}]


def test_every_document_is_in_exactly_one_table_of_the_right_schema() -> None:
    documents = _documents("a", "bcd", "xx", "efgh", "i")
    kept, dropped = apply_filters(documents, [NO_SHORT, NO_X])
    assert sorted(kept["id"].to_pylist() + dropped["id"].to_pylist()) == documents["id"].to_pylist()
    assert (kept.schema, dropped.schema) == (DOCUMENTS, DROPPED)


def test_no_documents_and_no_filters_are_fine() -> None:
    kept, dropped = apply_filters(_documents(), [NO_SHORT])
    assert (kept.num_rows, dropped.num_rows) == (0, 0)
    documents = _documents("a")
    assert apply_filters(documents, [])[0].equals(documents)


def test_a_filter_that_loses_rows_is_an_error() -> None:
    def apply(texts: pl.Series, config: Config) -> Outcome:
        return Outcome(texts[:1], texts[:1], texts[:1])

    with pytest.raises(ValueError, match="filter bad: 2 documents in, 1 out"):
        apply_filters(_documents("a", "b"), [(Filter(name="bad", version=1, config=Config, apply=apply), Config())])
