"""Passages are cut within turns: none runs into the next, and a pair stays a pair."""

from pathlib import Path

import pyarrow as pa
import pytest

from kernels.curation.deduplication.passages.cuts import cut_documents, emptied_documents
from kernels.curation.deduplication.passages.paragraphs import ParagraphConfig, find_paragraphs, write_paragraph_index
from kernels.curation.deduplication.passages.substring import SubstringConfig, find_repeats
from kernels.documents.conversations import conversation, disagreement, turns_of
from kernels.documents.schema import document_table
from kernels.specs.sources import Document
from kernels.specs.turns import Turn

PARAGRAPHS, SUBSTRING = ParagraphConfig(min_chars=12, min_words=3), SubstringConfig(min_tokens=5)
NOTICE = "All rights of this page are reserved."
GUIDE = Turn("system", "You are a patient guide of this museum.")
CALL = '[{"type": "function", "function": {"name": "find", "arguments": {"words": "All rights of this page are reserved."}}}]'


def table(*documents: str | list[Turn]) -> pa.Table:
    made = [Document(str(key), each) if isinstance(each, str) else conversation(str(key), each) for key, each in enumerate(documents)]
    return document_table("s", "f", made)


def cut(documents: pa.Table, by: str) -> list[list[Turn] | str]:
    """Return what is left, a conversation as its turns."""
    cuts = find_paragraphs(documents, [], PARAGRAPHS) if by == "paragraphs" else find_repeats(documents, SUBSTRING)
    texts = dict(zip(documents["id"].to_pylist(), documents["text"].to_pylist(), strict=True))
    for row in cuts.to_pylist():
        assert texts[row["id"]][row["start"] : row["end"]].strip()
    left = cut_documents(documents, cuts)
    assert left.schema == documents.schema
    both = list(zip(left["text"].to_pylist(), turns_of(left["turns"]), strict=True))
    assert [disagreement(text, turns) for text, turns in both] == [""] * len(both)
    return [text if turns is None else turns for text, turns in both]


def talk(question: str, answer: str, *more: Turn) -> list[Turn]:
    return [GUIDE, Turn("user", question), Turn("assistant", answer), *more]


@pytest.mark.parametrize("by", ["paragraphs", "substring"])
def test_a_system_prompt_that_all_conversations_share_stays_in_all(by: str) -> None:
    talks = [talk("Why bands?", "To tell towers apart."), talk("How deep is it?", "Deeper than the draught.")]
    assert cut(table(*talks), by) == talks


@pytest.mark.parametrize("by", ["paragraphs", "substring"])
def test_calls_of_tools_and_what_they_gave_stay(by: str) -> None:
    called = [Turn("user", "Find it."), Turn("assistant", "", tool_calls=CALL), Turn("tool", NOTICE), Turn("assistant", "Found.")]
    assert cut(table(NOTICE, called), by) == [NOTICE, called]


@pytest.mark.parametrize("by", ["paragraphs", "substring"])
def test_a_passage_is_cut_out_of_the_turn_that_repeats_it(by: str) -> None:
    found = cut(table(f"Old page.\n{NOTICE}", talk("Why bands?", f"To tell towers apart.\n{NOTICE}"), talk("So?", "So.")), by)
    assert found[1:] == [talk("Why bands?", "To tell towers apart."), talk("So?", "So.")]


@pytest.mark.parametrize("by", ["paragraphs", "substring"])
def test_a_passage_that_chosen_and_rejected_share_goes_from_both_or_from_neither(by: str) -> None:
    shared = talk("Whose page?", f"Ours.\n{NOTICE}", Turn("rejected", f"Mine.\n{NOTICE}"))
    assert cut(table(shared), by) == [shared]
    assert cut(table(NOTICE, shared), by) == [NOTICE, talk("Whose page?", "Ours.", Turn("rejected", "Mine."))]


@pytest.mark.parametrize("by", ["paragraphs", "substring"])
def test_what_goes_from_both_answers_is_no_more_than_an_earlier_document_has(by: str) -> None:
    answers = (f"{NOTICE}\nAnd this both of them say too.", f"{NOTICE}\nAnd this both of them say too.\nBut no.")
    found = cut(table(NOTICE, talk("Q?", answers[0], Turn("rejected", answers[1]))), by)
    assert found[1] == talk("Q?", "And this both of them say too.", Turn("rejected", "And this both of them say too.\nBut no."))


@pytest.mark.parametrize("by", ["paragraphs", "substring"])
def test_an_answer_may_repeat_the_question(by: str) -> None:
    quoted = talk(f"Translate:\n{NOTICE}", f"It says:\n{NOTICE}")
    assert cut(table(quoted), by) == [quoted]


@pytest.mark.parametrize("by", ["paragraphs", "substring"])
def test_a_conversation_of_which_a_turn_has_nothing_left_is_dropped_with_a_reason(by: str) -> None:
    talks = [talk("First?", NOTICE), talk("Second?", NOTICE), [*talk("Third?", NOTICE), Turn("user", "Fine."), Turn("assistant", "Good.")]]
    documents = table(*talks, f"{NOTICE}")
    cuts = find_paragraphs(documents, [], PARAGRAPHS) if by == "paragraphs" else find_repeats(documents, SUBSTRING)
    left = cut_documents(documents, cuts)
    assert turns_of(left["turns"]) == [talks[0]]
    dropped = emptied_documents(documents, left, by).to_pylist()
    assert [(row["id"], row["filter"], row["reason"]) for row in dropped] == [
        ("s/f#1", by, "emptied_turn"), ("s/f#2", by, "emptied_turn"), ("s/f#3", by, "empty"),
    ]  # fmt: skip
    assert dropped[0]["text"].endswith(NOTICE)


def test_a_span_does_not_reach_over_the_end_of_a_turn() -> None:
    talks = [
        [Turn("user", "one two three"), Turn("assistant", "four five six")],
        [Turn("user", "x one two three"), Turn("assistant", "four five six y")],
    ]
    assert cut(table("one two three four five six", *talks), "substring")[1:] == talks


def test_paragraphs_of_conversations_are_known_to_later_partitions(tmp_path: Path) -> None:
    write_paragraph_index(table(talk("Q?", NOTICE)), PARAGRAPHS, tmp_path)
    documents = table(f"New.\n{NOTICE}", talk("Whose?", f"Ours.\n{NOTICE}"), f"{GUIDE.content}\nNew too.")
    cuts = find_paragraphs(documents, [tmp_path], PARAGRAPHS)
    assert cut_documents(documents, cuts)["text"].to_pylist() == ["New.", f"{GUIDE.content}\n\nWhose?\n\nOurs.", f"{GUIDE.content}\nNew too."]
