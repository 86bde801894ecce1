"""Spans of words that stand earlier are cut, and they are those that a suffix array finds."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from kernels.curation.deduplication.passages.cuts import cut_documents
from kernels.curation.deduplication.passages.substring import SubstringConfig, find_repeats
from kernels.documents.schema import document_table
from kernels.specs.sources import Document

CONFIG = SubstringConfig(min_tokens=4)


def _documents(texts: list[str]) -> pa.Table:
    return document_table("s", "f", [Document(key=str(number), text=text) for number, text in enumerate(texts)])


def _cut(texts: list[str]) -> list[str]:
    documents = _documents(texts)
    return cut_documents(documents, find_repeats(documents, CONFIG))["text"].to_pylist()


def test_a_repeated_span_is_cut_from_the_later_document_only() -> None:
    texts = ["Über all: one two three four five, here.", "Then — one two THREE, four five. New words follow."]
    documents = _documents(texts)
    cuts = find_repeats(documents, CONFIG).to_pylist()
    assert [(row["id"], row["kept_id"], texts[1][row["start"] : row["end"]]) for row in cuts] == [("s/f#1", "s/f#0", "one two THREE, four five.")]
    assert _cut(texts) == [texts[0], "Then — New words follow."]


def test_a_shorter_span_stays() -> None:
    texts = ["one two three and more", "one two three but other"]
    assert _cut(texts) == texts


def test_spans_do_not_reach_over_the_end_of_a_document() -> None:
    texts = ["a b", "c d e", "a b c d e"]
    assert _cut(texts) == texts


def test_a_text_that_repeats_itself_keeps_one_whole_span() -> None:
    assert _cut(["ha " * 100]) == ["ha ha ha ha"]


def test_a_document_with_nothing_left_is_dropped() -> None:
    assert _cut(["one two three four", "One, two, three, four!"]) == ["one two three four"]


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert _cut(["我们今天去学校", "他说我们今天去玩"]) == ["我们今天去学校", "他说玩"]


def test_spans_that_differ_in_their_signs_are_not_repeated() -> None:
    texts = ["a + b - c", "a * b / c", "a + b - c = d"]
    assert _cut(texts) == ["a + b - c", "a * b / c", "= d"]


@pytest.mark.parametrize("script", ["ກຂຄງຈ", "ཀཁགངཅ", "ကခဂဃင", "កខគឃង", "ㄅㄆㄇㄈㄉ", "ｱｲｳｴｵ"])
def test_every_script_without_spaces_is_compared_by_character(script: str) -> None:
    assert _cut([script, f"abc {script} def"]) == [script, "abc def"]


def test_no_documents_and_empty_documents_are_fine() -> None:
    assert find_repeats(_documents([]), CONFIG).num_rows == 0
    assert _cut(["", "...", "a"]) == ["", "...", "a"]


@pytest.mark.parametrize("seed", range(5))
def test_spans_are_those_of_a_suffix_array(seed: int) -> None:
    random = np.random.default_rng(seed)
    texts = [" ".join(map(str, random.integers(0, 3, random.integers(3, 40)))) for _ in range(12)]
    documents = _documents(texts)
    cut: list[set[int]] = [set() for _ in texts]
    for row in find_repeats(documents, CONFIG).to_pylist():
        number = int(row["id"].split("#")[1])
        cut[number] |= {place // 2 for place in range(row["start"], row["end"])}
    assert cut == _cut_by_suffix_array([text.split() for text in texts], CONFIG.min_tokens)


def _cut_by_suffix_array(texts: list[list[str]], size: int) -> list[set[int]]:
    """Sort all suffixes; those that begin with the same words stand side by side, and all but the first of them in the texts repeat it."""
    places = [(text, word) for text in range(len(texts)) for word in range(len(texts[text]) - size + 1)]
    places.sort(key=lambda place: (texts[place[0]][place[1] :][:size], place))
    cut: list[set[int]] = [set() for _ in texts]
    first = (-1, -1)
    for text, word in places:
        window = texts[text][word : word + size]
        if first[0] < 0 or texts[first[0]][first[1] : first[1] + size] != window:
            first = (text, word)
        elif text != first[0] or word - first[1] >= size:
            cut[text] |= set(range(word, word + size))
    return cut


def test_columns_beside_the_text_stay() -> None:
    documents = _documents(["one two three four", "zero one two three four"])
    left = cut_documents(documents, find_repeats(documents, CONFIG))
    assert left.schema == documents.schema
    assert pl.DataFrame(left)["text"].to_list() == ["one two three four", "zero"]
