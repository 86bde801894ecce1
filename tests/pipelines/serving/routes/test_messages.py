"""Answers in Anthropic's form, whole and as a stream."""

import json
from typing import Any

import pytest

from tests.pipelines.serving.house import House

PATH = "/v1/messages"
ASKED: dict[str, Any] = {"model": "tiny", "max_tokens": 12, "temperature": 0, "messages": [{"role": "user", "content": "Hi"}]}
LOOK: dict[str, Any] = {
    "name": "look",
    "description": "Looks.",
    "input_schema": {"type": "object", "properties": {"is_up": {"type": "boolean"}}, "required": ["is_up"], "additionalProperties": False},
}


def put_together(events: list[tuple[str | None, str]]) -> dict[str, Any]:
    """Return the message that the events of a stream tell."""
    message: dict[str, Any] = {}
    partial = ""
    for name, data in events:
        told = json.loads(data)
        assert told["type"] == name
        if name == "message_start":
            message = told["message"]
        elif name == "content_block_start":
            assert told["index"] == len(message["content"])
            message["content"].append(told["content_block"])
            partial = ""
        elif name == "content_block_delta" and told["delta"]["type"] == "text_delta":
            message["content"][told["index"]]["text"] += told["delta"]["text"]
        elif name == "content_block_delta":
            partial += told["delta"]["partial_json"]
        elif name == "content_block_stop" and partial:
            message["content"][-1]["input"] = json.loads(partial)
        elif name == "message_delta":
            message |= told["delta"]
            message["usage"] |= told["usage"]
    assert [name for name, _ in events][-1] == "message_stop"
    return message


def plain(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "id": None, "content": [{**block, "id": None} for block in message["content"]]}


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "plain": ({}, "max_tokens"),
    "a system": ({"system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]}, "max_tokens"),
    "a stop": ({"stop_sequences": ["zz", "\ufffd"], "max_tokens": 60}, "stop_sequence"),
    "a call": ({"tools": [LOOK], "tool_choice": {"type": "any"}, "max_tokens": 120}, "tool_use"),
    "that call": ({"tools": [LOOK], "tool_choice": {"type": "tool", "name": "look"}, "max_tokens": 120}, "tool_use"),
    "a schema": ({"output_config": {"format": {"type": "json_schema", "schema": LOOK["input_schema"]}}, "max_tokens": 60}, "end_turn"),
    "one call at most": ({"tools": [LOOK], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, "max_tokens"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_stream_says_what_the_whole_answer_says(house: House, case: str) -> None:
    changes, reason = CASES[case]
    told = house.post(PATH, {**ASKED, **changes})
    assert told.status_code == 200, told.text
    assert plain(told.json()) == plain(put_together(house.events(PATH, {**ASKED, **changes}))) and told.json()["stop_reason"] == reason


def test_a_call_and_what_it_gave_are_told_to_the_model(house: House) -> None:
    (block,) = house.post(PATH, {**ASKED, **CASES["a call"][0]}).json()["content"]
    assert block["type"] == "tool_use" and block["name"] == "look" and list(block["input"]) == ["is_up"]
    result = {"type": "tool_result", "tool_use_id": block["id"], "content": [{"type": "text", "text": "clouds"}], "is_error": True}
    messages = [*ASKED["messages"], {"role": "assistant", "content": [block]}, {"role": "user", "content": [result, {"type": "text", "text": "So?"}]}]
    after = house.post(PATH, {**ASKED, "messages": messages, "tools": [LOOK]})
    assert after.status_code == 200 and after.json()["usage"]["input_tokens"] > 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "thinking"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, "messages.0"),
        ({"messages": [*ASKED["messages"], {"role": "assistant", "content": "It"}]}, "the last one must be the user's"),
        ({"max_tokens": 5000}, "max_tokens is 5000"),
        ({"top_logprobs": 3}, "top_logprobs"),
    ],
)
def test_what_is_wrong_is_named_in_anthropics_form(house: House, changes: dict[str, Any], words: str) -> None:
    response = house.post(PATH, {**ASKED, **changes})
    told = response.json()
    assert response.status_code == 400 and told["type"] == "error" and told["error"]["type"] == "invalid_request_error"
    assert words in told["error"]["message"]
