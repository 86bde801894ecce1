"""Documents that hold the words of an evaluation."""

import polars as pl
import pyarrow as pa
import pytest

from kernels.curation.contamination import find_contaminated, index_evals
from kernels.documents.schema import document_table
from kernels.specs.sources import Document

LONG = "a b c d e f g h i j k l m n"
SHORT = "who wrote the first novel about the white whale"


def _documents(*texts: str) -> pa.Table:
    return document_table("s", "f", [Document(key=str(number), text=text) for number, text in enumerate(texts)])


def test_a_shared_run_of_thirteen_words_is_found_and_one_of_twelve_is_not() -> None:
    documents = _documents("so: " + LONG[:25] + ", end", "so: " + LONG[:23] + " end")
    assert find_contaminated(documents, index_evals([LONG])).rows() == [("s/f#0", 0, "a b c d e f g h i j k l m")]


def test_case_punctuation_and_white_space_do_not_matter() -> None:
    assert find_contaminated(_documents("A, b. C\nd -- E f (g) h; i j K l! m"), index_evals([LONG])).height == 1


def test_one_row_a_document_and_evaluation_text_in_order() -> None:
    documents = _documents(f"{LONG} {SHORT} {LONG}", "clean", LONG)
    found = find_contaminated(documents, index_evals([SHORT, "x", LONG, LONG]))
    assert found.select("id", "eval_index").rows() == [("s/f#0", 0), ("s/f#0", 2), ("s/f#0", 3), ("s/f#2", 2), ("s/f#2", 3)]


def test_an_evaluation_text_of_fewer_words_is_matched_whole() -> None:
    documents = _documents(f"He asked {SHORT}?", SHORT.removesuffix(" whale"), "Who wrote")
    assert find_contaminated(documents, index_evals([SHORT])).rows() == [("s/f#0", 0, SHORT)]


def test_an_evaluation_text_of_fewer_than_eight_words_matches_nothing() -> None:
    assert find_contaminated(_documents("one two three four five six seven"), index_evals(["one two three four five six seven", ""])).height == 0


def test_a_run_does_not_cross_documents() -> None:
    assert find_contaminated(_documents("a b c d e f g", "h i j k l m n"), index_evals([LONG])).height == 0


def test_nothing_to_compare_is_no_contamination() -> None:
    empty = {"id": pl.String(), "eval_index": pl.Int64(), "ngram": pl.String()}
    assert dict(find_contaminated(_documents(), index_evals([LONG])).schema) == empty
    assert dict(find_contaminated(_documents("a"), index_evals([])).schema) == empty


def test_a_run_too_short_to_tell_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8"):
        index_evals([LONG], n=5)
