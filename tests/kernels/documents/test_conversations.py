"""What a conversation is, and the text that is derived from it."""

import json

import pyarrow as pa
import pytest

from kernels.documents.conversations import TURNS, as_messages, conversation, disagreement, fault_of, transcript, turns_column, turns_of
from kernels.documents.pieces import Piece, pieces_of, text_of, with_pieces
from kernels.documents.schema import DOCUMENTS, document_table
from kernels.specs.sources import Document
from kernels.specs.turns import Turn

CALL = '[{"id": "1", "type": "function", "function": {"name": "mail", "arguments": {"to": "ada", "pages": [2, 3.5], "now": true, "note": ""}}}]'
DEFINED = Turn("tools", '[{"name": "mail"}]')
SYSTEM, ASKED, CALLING = Turn("system", "Be brief."), Turn("user", "Mail it."), Turn("assistant", "", tool_calls=CALL)
GIVEN, ANSWER, WORSE = Turn("tool", "ok"), Turn("assistant", "Sent."), Turn("rejected", "No.")
WHOLE = [DEFINED, SYSTEM, ASKED, CALLING, GIVEN, ANSWER, WORSE]


@pytest.mark.parametrize(
    "turns",
    [
        WHOLE,
        [ASKED],
        [ASKED, ANSWER],
        [SYSTEM, ASKED, ANSWER, ASKED],
        [ASKED, WORSE],
        [ASKED, ANSWER, WORSE, WORSE],
        [ASKED, CALLING, GIVEN, GIVEN, CALLING, GIVEN, ANSWER],
        [ASKED, CALLING, WORSE],
        [ASKED, CALLING, Turn("tool", ""), ANSWER],
    ],
)
def test_turns_in_order_are_a_conversation(turns: list[Turn]) -> None:
    assert fault_of(turns) is None


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([], "role_order"),
        ([SYSTEM], "role_order"),
        ([DEFINED], "role_order"),
        ([ANSWER, ASKED], "role_order"),
        ([ASKED, ASKED], "role_order"),
        ([ASKED, ANSWER, ANSWER], "role_order"),
        ([SYSTEM, SYSTEM, ASKED], "role_order"),
        ([SYSTEM, DEFINED, ASKED], "role_order"),
        ([ASKED, SYSTEM, ANSWER], "role_order"),
        ([WORSE], "role_order"),
        ([ASKED, WORSE, ANSWER], "role_order"),
        ([ASKED, ANSWER, GIVEN], "role_order"),
        ([ASKED, CALLING, ANSWER], "role_order"),
        ([ASKED, CALLING, ASKED], "role_order"),
        ([ASKED, Turn("robot", "x")], "role_order"),
        ([ASKED, Turn("assistant", " \n")], "empty_turn"),
        ([Turn("system", ""), ASKED], "empty_turn"),
        ([ASKED, ANSWER, Turn("rejected", "")], "empty_turn"),
    ],
)
def test_what_is_no_conversation_is_told_by_reason(turns: list[Turn], reason: str) -> None:
    fault = fault_of(turns)
    assert fault is not None and fault.reason == reason


def test_the_text_of_a_conversation_is_all_that_is_said_in_it_and_no_mark() -> None:
    assert text_of(WHOLE) == "Be brief.\n\nMail it.\n\nmail\n\nada\n\n2\n\n3.5\n\nok\n\nSent.\n\nNo."
    assert [piece.text for piece in pieces_of(WHOLE) if piece.may_be_cut] == ["Mail it.", "Sent.", "No."]
    assert pieces_of([ASKED]) == [Piece("Mail it.", may_be_cut=True)]


def test_pieces_that_are_rewritten_go_back_where_they_stood() -> None:
    texts = [piece.text for piece in pieces_of(WHOLE)]
    assert with_pieces(WHOLE, texts) == WHOLE
    masked = with_pieces(WHOLE, [{"ada": "<NAME>", "2": "<PAGE>"}.get(text, text) for text in texts])
    assert [turn for turn, before in zip(masked, WHOLE, strict=True) if turn != before] == [masked[3]]
    assert json.loads(masked[3].tool_calls or "")[0] == {
        "id": "1", "type": "function", "function": {"name": "mail", "arguments": {"to": "<NAME>", "pages": ["<PAGE>", 3.5], "now": True, "note": ""}},
    }  # fmt: skip
    with pytest.raises(ValueError, match="8 texts for 9 pieces"):
        with_pieces(WHOLE, texts[1:])


def test_the_name_of_who_speaks_is_a_piece_and_that_of_a_tool_is_none() -> None:
    named = [ASKED._replace(name="ada@example.com"), CALLING, GIVEN._replace(name="mail"), ANSWER]
    pieces = pieces_of(named)
    assert pieces[:2] == [Piece("ada@example.com", may_be_cut=False), Piece("Mail it.", may_be_cut=True)]
    assert with_pieces(named, ["<EMAIL>", *(piece.text for piece in pieces[1:])]) == [ASKED._replace(name="<EMAIL>"), *named[1:]]


def test_a_column_of_conversations_comes_back_as_it_was() -> None:
    column = turns_column([WHOLE, None, [ASKED]])
    assert column.type == TURNS and column.null_count == 1
    assert turns_of(pa.chunked_array([column])) == [WHOLE, None, [ASKED]]


def test_the_table_derives_the_text_and_other_documents_have_no_turns() -> None:
    wrong = conversation("1", [ASKED, ANSWER])._replace(text="something else")
    table = document_table("s", "f", [Document("0", "plain"), wrong])
    assert table.schema == DOCUMENTS
    assert table["text"].to_pylist() == ["plain", "Mail it.\n\nSent."] and turns_of(table["turns"]) == [None, [ASKED, ANSWER]]


@pytest.mark.parametrize(
    ("text", "turns", "found"),
    [
        ("plain", None, ""),
        ("Mail it.\n\nSent.", [ASKED, ANSWER], ""),
        ("Mail it.\n\nSent", [ASKED, ANSWER], "the text is not that of the turns"),
        ("Mail it.\n\nSent.\n\nSent.", [ASKED, ANSWER, ANSWER], "role_order: user assistant assistant"),
        ("Be brief.\n\nSent.", [SYSTEM, ANSWER], "role_order: system assistant"),
    ],
)
def test_text_and_turns_that_disagree_are_told(text: str, turns: list[Turn] | None, found: str) -> None:
    assert disagreement(text, turns) == found


def test_messages_are_those_of_chat_templates_and_a_transcript_is_for_people() -> None:
    messages, tools = as_messages([DEFINED, ASKED, CALLING, Turn("tool", "ok", name="mail", tool_call_id="1"), WORSE])
    assert tools == [{"name": "mail"}]
    assert messages == [
        {"role": "user", "content": "Mail it."},
        {"role": "assistant", "content": "", "tool_calls": json.loads(CALL)},
        {"role": "tool", "content": "ok", "name": "mail", "tool_call_id": "1"},
        {"role": "assistant", "content": "No."},
    ]
    assert transcript([ASKED, ANSWER]) == "user: Mail it.\n\nassistant: Sent."
