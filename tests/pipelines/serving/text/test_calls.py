"""Calls are read out of an answer alike, however it comes."""

import json
import random

import pytest

from pipelines.serving.text.calls import Call, CallReader

TWO = 'Let me see.\n<tool_call>\n{"name": "look", "arguments": {"at": "<b>"}}\n</tool_call>\n<tool_call>{"name": "add"}</tool_call> Done. '
CASES: dict[str, tuple[str, list[object]]] = {
    "words alone": ("Hello, <tool> you ", ["Hello, <tool> you "]),
    "two calls and words": (TWO, ["Let me see.", ("look", {"at": "<b>"}), ("add", {}), " Done. "]),
    "no JSON": ("a <tool_call>oh</tool_call>b", ["a<tool_call>oh</tool_call>b"]),
    "no name": ('<tool_call>{"arguments": {}}</tool_call>', ['<tool_call>{"arguments": {}}</tool_call>']),
    "arguments no object": ('<tool_call>{"name": "f", "arguments": 3}</tool_call>', ['<tool_call>{"name": "f", "arguments": 3}</tool_call>']),
    "no number": ('<tool_call>{"name": "f", "arguments": {"a": NaN}}</tool_call>', ['<tool_call>{"name": "f", "arguments": {"a": NaN}}</tool_call>']),
    "cut off": ('x <tool_call>{"name": "f"', ['x<tool_call>{"name": "f"']),
    "ended at its mark": ('<tool_call>{"name": "f"}', [("f", {})]),
    "half a mark": ("a <tool_ca", ["a <tool_ca"]),
    "deep": ("<tool_call>" + "[" * 5000 + "</tool_call>", ["<tool_call>" + "[" * 5000 + "</tool_call>"]),
}


def read(pieces: list[str]) -> list[object]:
    reader = CallReader()
    found: list[object] = []
    for each in [*(each for piece in pieces for each in reader.add(piece)), *reader.end()]:
        if isinstance(each, Call):
            found.append((each.name, json.loads(each.arguments)))
        elif found and isinstance(found[-1], str):
            found[-1] += each
        else:
            found.append(each)
    return found


@pytest.mark.parametrize("case", CASES)
def test_words_and_calls_are_the_same_in_whatever_pieces_they_come(case: str) -> None:
    text, expected = CASES[case]
    chance = random.Random(3)
    assert read([text]) == expected and read(list(text)) == expected
    for _ in range(20):
        cuts = sorted(chance.randrange(len(text) + 1) for _ in range(5))
        assert read([text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]) == expected


def test_each_call_has_a_name_of_its_own() -> None:
    reader = CallReader()
    calls = [each for each in reader.add('<tool_call>{"name": "f"}</tool_call>' * 2) if isinstance(each, Call)]
    assert len({call.id for call in calls}) == 2
