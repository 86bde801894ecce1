"""Chains: order, what is kept, and what is written down of the rest."""

from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filtering.chain import DROPPED, apply_filters
from kernels.documents.schema import DOCUMENTS, document_table
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome
from kernels.specs.sources import Document


def _filter(name: str, decide: Any) -> tuple[Filter, Config]:
    def apply(batch: TextBatch, config: Config) -> Outcome:
        rows = [decide(text) for text in batch.text]
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
    kept, dropped, _ = apply_filters(_documents("axxbc", "axx", "abcd"), [NO_X, NO_SHORT])
    assert kept["text"].to_pylist() == ["abc", "abcd"]
    assert dropped.to_pylist() == [{"id": "s/f#1", "filter": "no_short", "reason": "short", "value": 1.0, "text": "a"}]


def test_a_text_left_empty_is_dropped_with_an_excerpt_of_what_it_was() -> None:
    kept, dropped, _ = apply_filters(_documents("x" * 300, "abc"), [NO_X])
    assert kept["id"].to_pylist() == ["s/f#1"]
    assert dropped.to_pylist() == [{"id": "s/f#0", "filter": "no_x", "reason": "empty", "value": None, "text": "x" * 200}]


def test_every_document_is_in_exactly_one_table_of_the_right_schema() -> None:
    documents = _documents("a", "bcd", "xx", "efgh", "i")
    kept, dropped, _ = apply_filters(documents, [NO_SHORT, NO_X])
    assert sorted(kept["id"].to_pylist() + dropped["id"].to_pylist()) == documents["id"].to_pylist()
    assert (kept.schema, dropped.schema) == (DOCUMENTS, DROPPED)


def test_no_documents_and_no_filters_are_fine() -> None:
    kept, dropped, _ = apply_filters(_documents(), [NO_SHORT])
    assert (kept.num_rows, dropped.num_rows) == (0, 0)
    documents = _documents("a")
    assert apply_filters(documents, [])[0].equals(documents)


def test_a_filter_that_loses_rows_is_an_error() -> None:
    def apply(batch: TextBatch, config: Config) -> Outcome:
        return Outcome(batch.text[:1], batch.text[:1], batch.text[:1])

    with pytest.raises(ValueError, match="filter bad: 2 documents in, 1 out"):
        apply_filters(_documents("a", "b"), [(Filter(name="bad", version=1, config=Config, apply=apply), Config())])


def test_what_a_filter_measures_is_kept_for_every_document_it_saw() -> None:
    def apply(batch: TextBatch, config: Config) -> Outcome:
        reason = pl.Series([None, "bad"])
        tags = {"language": pl.Series(["en", None]), "score": pl.Series([0.5, 1.0])}
        return Outcome(batch.text, reason, pl.Series([None, 1.0]), tags)

    tags = apply_filters(_documents("a", "b"), [(Filter(name="f", version=1, config=Config, apply=apply), Config())]).tags
    assert [(row["id"], row["name"], row["label"], row["value"]) for row in tags.to_pylist()] == [
        ("s/f#0", "language", "en", None),
        ("s/f#0", "score", None, 0.5),
        ("s/f#1", "score", None, 1.0),
    ]


def test_documents_of_many_batches_come_out_in_order() -> None:
    documents = _documents(*(f"{number:04d}" + "y" * 400_000 for number in range(8)))
    kept = apply_filters(documents, [NO_X, NO_SHORT]).kept
    assert kept["id"].to_pylist() == documents["id"].to_pylist()
