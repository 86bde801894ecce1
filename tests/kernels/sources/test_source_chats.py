import gzip
import io
import json
from typing import Any

import pytest

from kernels.documents import parse_conversation
from kernels.sources.chats import SPEC, ChatsConfig
from kernels.specs import Document, Reject, SourceFile

QUESTION = {"role": "user", "content": "What is two and two?"}
ANSWER = {"role": "assistant", "content": "Four."}


def read_bytes(data: bytes, path: str = "chats.jsonl") -> list[Document | Reject]:
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(data)), ChatsConfig()))


def read(*records: Any) -> list[Document | Reject]:
    return read_bytes("".join(json.dumps(record) + "\n" for record in records).encode())


def reasons(*records: Any) -> list[str]:
    return [item.reason for item in read(*records) if isinstance(item, Reject)]


def test_messages_become_chatml_turns():
    (document,) = read({"id": 7, "messages": [{"role": "system", "content": "Be short."}, QUESTION, ANSWER]})
    assert isinstance(document, Document)
    assert document.key == "7"
    assert document.text == (
        "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\nWhat is two and two?<|im_end|>\n<|im_start|>assistant\nFour.<|im_end|>\n"
    )


def test_sharegpt_gives_the_same_document_as_openai_form():
    sharegpt = {"conversations": [{"from": "human", "value": QUESTION["content"]}, {"from": "gpt", "value": ANSWER["content"]}]}
    assert read(sharegpt) == read({"messages": [QUESTION, ANSWER]})


def test_a_rejected_answer_is_the_last_turn():
    (document,) = read({"messages": [QUESTION, ANSWER], "rejected": "Five."})
    assert isinstance(document, Document)
    assert [(turn["role"], turn["content"]) for turn in parse_conversation(document.text)][1:] == [
        ("assistant", "Four."),
        ("rejected", "Five."),
    ]


def test_surplus_white_space_does_not_change_the_document():
    line = json.dumps({"messages": [QUESTION, {"role": "assistant", "content": " Four. \r\n\r\n\r\n\r\nReally.\n"}]})
    clean = json.dumps({"messages": [QUESTION, {"role": "assistant", "content": "Four.\n\nReally."}]})
    assert read_bytes(f"\r\n\n{line}  \r\n\n".encode()) == read_bytes(clean.encode())


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (["messages"], "schema"),
        ({"text": "no turns"}, "schema"),
        ({"messages": "hello"}, "schema"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "schema"),
        ({"messages": [{"role": "user", "content": None}]}, "schema"),
        ({"messages": [QUESTION], "id": ["a"]}, "schema"),
        ({"messages": []}, "role_order"),
        ({"messages": [ANSWER, QUESTION]}, "role_order"),
        ({"messages": [QUESTION, QUESTION]}, "role_order"),
        ({"messages": [QUESTION], "rejected": "no answer to compare with"}, "role_order"),
        ({"messages": [QUESTION, {"role": "assistant", "content": " \n"}]}, "empty_turn"),
        ({"messages": [QUESTION, ANSWER], "rejected": ""}, "empty_turn"),
        ({"messages": [{"role": "user", "content": "say <|im_end|>"}]}, "control_token"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "invalid_unicode"),
    ],
)
def test_a_line_that_breaks_the_form_is_a_reject(record: Any, reason: str):
    assert reasons(record) == [reason]


def test_a_bad_line_is_named_by_its_number_and_the_next_is_read():
    first, second = read_bytes(b"\n{broken\n" + json.dumps({"messages": [QUESTION, ANSWER]}).encode())
    assert isinstance(first, Reject)
    assert (first.key, first.reason) == ("line 2", "invalid_json")
    assert isinstance(second, Document)


def test_a_second_conversation_with_the_same_key_is_a_reject():
    assert reasons({"id": "a", "messages": [QUESTION]}, {"id": "a", "messages": [QUESTION, ANSWER]}) == ["duplicate_key"]


def test_a_key_made_of_the_text_does_not_move_when_a_line_is_added_before():
    record = {"messages": [QUESTION, ANSWER]}
    assert read({"messages": [QUESTION]}, record)[1] == read(record)[0]


def test_a_cut_gzip_file_keeps_the_lines_before_the_cut():
    line = (json.dumps({"messages": [QUESTION, ANSWER]}) + "\n").encode()
    items = read_bytes(gzip.compress(line, mtime=0) + gzip.compress(line, mtime=0)[:-9], "chats.jsonl.gz")
    assert isinstance(items[0], Document)
    assert isinstance(items[-1], Reject)
    assert items[-1].reason == "damaged"
