"""Documents that hold the words of an evaluation's item."""

import polars as pl
import pyarrow as pa
import pytest

from kernels.curation.contamination import EvalText, find_contaminated, index_evals, is_searchable
from kernels.documents.schema import document_table
from kernels.specs.sources import Document

LONG = "a b c d e f g h i j k l m n"
SHORT = "who wrote the first novel about the white whale"
CHINESE = "港口的灯塔建于一八五零年白天可以看到红白相间的条纹"
THAI = "ประภาคารริมท่าเรือสร้างขึ้นเมื่อร้อยปีก่อนทาสีแดงสลับขาวเห็นได้แต่ไกล"


def _documents(*texts: str) -> pa.Table:
    return document_table("s", "f", [Document(key=str(number), text=text) for number, text in enumerate(texts)])


def _parts(*texts: str) -> list[EvalText]:
    """Each text as a part of an item of its own."""
    return [EvalText(item, False, text) for item, text in enumerate(texts)]


def _whole(text: str) -> list[EvalText]:
    return [EvalText(0, True, text)]


def _found(texts: list[EvalText], *documents: str) -> list[str]:
    """Return the first words shared of each document that holds an item."""
    return find_contaminated(_documents(*documents), index_evals(texts))["ngram"].to_list()


def test_a_shared_run_of_thirteen_words_is_found_and_one_of_twelve_is_not() -> None:
    documents = _documents("so: " + LONG[:25] + ", end", "so: " + LONG[:23] + " end")
    assert find_contaminated(documents, index_evals(_parts(LONG))).rows() == [("s/f#0", 0, "a b c d e f g h i j k l m")]


def test_case_punctuation_signs_and_white_space_do_not_matter() -> None:
    assert _found(_parts(LONG), "A, b. C\nd -- E f (g) h; i + j K l! m") == ["a b c d e f g h i j k l m"]


def test_one_row_a_document_and_item_in_order() -> None:
    documents = _documents(f"{LONG} {SHORT} {LONG}", "clean", LONG)
    found = find_contaminated(documents, index_evals([*_parts(SHORT, "x", LONG, LONG), EvalText(2, True, f"{LONG} o")]))
    assert found.select("id", "item").rows() == [("s/f#0", 0), ("s/f#0", 2), ("s/f#0", 3), ("s/f#2", 2), ("s/f#2", 3)]


def test_a_part_of_fewer_words_is_matched_whole() -> None:
    documents = _documents(f"He asked {SHORT}?", SHORT.removesuffix(" whale"), "Who wrote")
    assert find_contaminated(documents, index_evals(_parts(SHORT))).rows() == [("s/f#0", 0, SHORT)]


def test_a_part_of_fewer_than_eight_words_matches_nothing() -> None:
    assert _found(_parts("one two three four five six seven", ""), "one two three four five six seven") == []


@pytest.mark.parametrize(
    ("item", "is_found"), [("stop a rope fraying wrap it", True), ("freeze water ice it up", True), ("why not now", False), ("", False)]
)
def test_an_item_as_a_whole_is_matched_from_five_words_on(item: str, is_found: bool) -> None:
    assert _found(_whole(item), f"They say: {item}; and so on.") == ([item] if is_found else [])
    assert is_searchable(_whole(item)) == [is_found]


def test_which_texts_are_too_short_to_be_looked_for_is_told() -> None:
    texts = [EvalText(0, False, "seven words do not say very much"), EvalText(0, True, "seven words do not say very much"), *_parts(SHORT, "!?")]
    assert is_searchable(texts) == [False, True, True, False]
    assert is_searchable([]) == []


@pytest.mark.parametrize("text", [CHINESE, THAI, f"{CHINESE[:20]} Python {THAI[:24]}"])
def test_scripts_without_spaces_are_compared_by_character(text: str) -> None:
    assert len(_found(_parts(text), f"开头。{text[:2]}，{text[2:]}! 结束", text[: len(text) // 2], "clean")) == 1


def test_thirteen_characters_are_not_thirteen_words() -> None:
    longer = CHINESE + "很远"
    assert _found(_parts(longer), longer[:13], longer[:25], longer[:26]) == [" ".join(longer[:26])], "two characters make a word"
    assert len(_found(_parts(THAI), THAI[:51], THAI[:52])) == 1, "four make one"


def test_a_short_item_of_a_script_without_spaces_is_matched_whole() -> None:
    assert _found(_whole("港口的灯塔在哪里"), "港口的灯塔在哪里") == [], "eight characters are four words"
    assert len(_found(_whole("港口的灯塔在哪里？东边"), "请问港口的灯塔在哪里？东边。", "港口的灯塔在哪里？西边")) == 1


@pytest.mark.parametrize(
    ("item", "document"),
    [
        ("What <b>do</b> black cows drink?", "What **do** black <i>cows</i> drink?"),
        ("Who drew &quot;Tom &amp; Jerry&quot; first?", 'Who drew "Tom & Jerry" first?'),
        ("How many is 1,000,000 plus 2,000?", "How many is 1000000 plus 2000?"),
        ("ＷＨＡＴ do black cows drink２?", "what do black cows drink2"),
        ("Où est le café ici?", "Ou\u0300 est le cafe\u0301 ici?"),
        ("What do black cows dri\u200bnk?", "What do black co\u00adws drink?"),
    ],
)
def test_markup_and_the_form_of_characters_do_not_matter(item: str, document: str) -> None:
    assert len(_found(_whole(item), f"They ask: {document} And so on.")) == 1


def test_numbers_that_differ_are_not_the_same_without_their_separators() -> None:
    assert _found(_whole("How many is 1,000 plus two?"), "How many is 10,00 plus two?", "How many is 1.000 plus two?") == []


def test_a_run_does_not_cross_documents() -> None:
    assert _found(_parts(LONG), "a b c d e f g", "h i j k l m n") == []


def test_nothing_to_compare_is_no_contamination() -> None:
    empty = {"id": pl.String(), "item": pl.Int64(), "ngram": pl.String()}
    assert dict(find_contaminated(_documents(), index_evals(_parts(LONG))).schema) == empty
    assert dict(find_contaminated(_documents("a"), index_evals([])).schema) == empty


def test_a_run_too_short_to_tell_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8"):
        index_evals(_parts(LONG), n=5)
