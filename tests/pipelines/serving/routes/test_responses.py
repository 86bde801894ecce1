"""Answers in OpenAI's newer form, whole and as a stream."""

import json
from typing import Any

import pytest

from tests.pipelines.serving.house import House

PATH = "/v1/responses"
ASKED: dict[str, Any] = {"model": "tiny", "input": "Hi", "max_output_tokens": 12, "temperature": 0}
FIELDS: dict[str, Any] = {"type": "object", "properties": {"is_ok": {"type": "boolean"}}, "required": ["is_ok"], "additionalProperties": False}
LOOK: dict[str, Any] = {"type": "function", "name": "look", "parameters": FIELDS, "strict": True}


def plain(response: dict[str, Any]) -> dict[str, Any]:
    """Return a response without what is another each time."""
    output = [{**item, "id": None, "call_id": None} for item in response["output"]]
    return {**response, "id": None, "created_at": None, "output": output}


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "a text": ({}, "incomplete"),
    "messages": ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}], "instructions": "Be brief."}, "incomplete"),
    "a schema": ({"text": {"format": {"type": "json_schema", "name": "it", "schema": FIELDS}}, "max_output_tokens": 60}, "completed"),
    "a call": ({"tools": [LOOK], "tool_choice": "required", "max_output_tokens": 120}, "completed"),
    "logprobs": ({"include": ["message.output_text.logprobs"], "top_logprobs": 2}, "incomplete"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_last_event_of_a_stream_holds_what_is_told_at_once(house: House, case: str) -> None:
    changes, status = CASES[case]
    told = house.post(PATH, {**ASKED, **changes})
    assert told.status_code == 200, told.text
    events = [(name, json.loads(data)) for name, data in house.events(PATH, {**ASKED, **changes})]
    assert events[-1][0] == f"response.{status}" and plain(events[-1][1]["response"]) == plain(told.json())
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    deltas = "".join(data["delta"] for name, data in events if name in ("response.output_text.delta", "response.function_call_arguments.delta"))
    item = told.json()["output"][0]
    assert deltas == (item["arguments"] if item["type"] == "function_call" else item["content"][0]["text"])


def test_items_open_and_close_in_order(house: House) -> None:
    names = [str(name).removeprefix("response.") for name, _ in house.events(PATH, ASKED)]
    assert names[:4] == ["created", "in_progress", "output_item.added", "content_part.added"]
    assert names[-4:] == ["output_text.done", "content_part.done", "output_item.done", "incomplete"]


def test_a_call_and_what_it_gave_are_told_to_the_model(house: House) -> None:
    (item,) = house.post(PATH, {**ASKED, **CASES["a call"][0]}).json()["output"]
    result = {"type": "function_call_output", "call_id": item["call_id"], "output": "clouds"}
    asked = {**ASKED, "input": [{"role": "user", "content": "Hi"}, item, result]}
    assert house.post(PATH, asked).json()["usage"]["input_tokens"] > 60


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"truncation": "auto"}, "truncation"),
        ({"background": True}, "background"),
        ({"reasoning": {"effort": "high"}}, "reasoning"),
        ({"tools": [LOOK]}, "tools.0.strict"),
        ({"input": []}, "input"),
        ({"max_output_tokens": 5000}, "max_output_tokens is 5000"),
    ],
)
def test_what_is_wrong_is_named(house: House, changes: dict[str, Any], words: str) -> None:
    response = house.post(PATH, {**ASKED, **changes})
    assert response.status_code == 400 and words in response.json()["error"]["message"]
