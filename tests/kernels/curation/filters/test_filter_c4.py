"""C4's rules on lines and pages."""

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters import c4
from kernels.curation.filters.c4 import C4Config

SENTENCE = "This is a full sentence."
PAGE = "\n".join([SENTENCE] * 5)


def _left(text: str, **settings: object) -> list[str]:
    outcome = c4.apply(TextBatch(pl.Series([text])), C4Config(min_sentences=None, **settings))
    assert outcome.reason.to_list() == [None]
    return outcome.text[0].splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "A menu entry here",
        "Read on for more...",
        "Too short.",
        "Please enable JavaScript to go on.",
        "Our privacy policy is here.",
        "x" * 1001 + " is too long.",
    ],
)
def test_a_line_that_is_no_sentence_of_prose_is_removed(line: str) -> None:
    assert _left(f"{SENTENCE}\n{line}") == [SENTENCE]


@pytest.mark.parametrize(("line", "setting"), [("A menu entry here", "require_end_punctuation"), ("We like JavaScript a lot.", "remove_javascript")])
def test_a_disabled_rule_keeps_its_line(line: str, setting: str) -> None:
    assert _left(line, **{setting: False}) == [line]


def test_citations_are_taken_out_of_lines() -> None:
    assert _left("It was found in Rome[12] by chance.[citation needed]") == ["It was found in Rome by chance."]


@pytest.mark.parametrize(
    ("line", "reason", "value"),
    [("Here is lorem ipsum text.", "c4_lorem_ipsum", None), ("Here { is some code.", "c4_curly_bracket", None)],
)
def test_a_page_of_filler_or_code_is_dropped_as_it_came(line: str, reason: str, value: float | None) -> None:
    outcome = c4.apply(TextBatch(pl.Series([f"{PAGE}\n{line}"])), C4Config())
    assert (outcome.reason[0], outcome.value[0], outcome.text[0]) == (reason, value, f"{PAGE}\n{line}")


def test_a_page_of_few_sentences_is_dropped_with_their_number() -> None:
    outcome = c4.apply(TextBatch(pl.Series([PAGE, f"{SENTENCE}\n{SENTENCE}\nno sentence here", ""])), C4Config())
    assert outcome.reason.to_list() == [None, "c4_too_few_sentences", "c4_too_few_sentences"]
    assert outcome.value.to_list() == [None, 2, 0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("One. Two! Three?", 3),
        ("Mr. Smith paid 3.50 to J. Doe.", 1),
        ('He said "go." She went.', 2),
        ("no end", 1),
        ("Wait... what?", 1),
        ("Line one\nline two", 2),
        ("He left.  ) Then", 2),
        ("It was so.[1] And so.", 2),
    ],
)
def test_sentences_are_counted_line_by_line_as_spacys_sentencizer_does(text: str, number: int) -> None:
    config = C4Config(require_end_punctuation=False, min_words_per_line=None, min_sentences=50)
    outcome = c4.apply(TextBatch(pl.Series([text])), config)
    assert (outcome.reason[0], outcome.value[0]) == ("c4_too_few_sentences", number)


def test_lines_are_kept_as_datatrove_keeps_them() -> None:
    theirs = pytest.importorskip("datatrove.pipeline.filters.c4_filters")
    from datatrove.data import Document

    long_word = "y" * 1200
    text = f"{PAGE}\n\nShort.\n  Padded line of words.  [1]\r\n{long_word} long.\n'Quoted line of text.'\vuses cookies here too.\nAsk [edit] here?"
    document = Document(text=text, id="x")
    assert theirs.C4QualityFilter().filter(document) is True
    assert c4.apply(TextBatch(pl.Series([text])), C4Config()).text.to_list() == [document.text]
