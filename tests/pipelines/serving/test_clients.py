"""The vendors' own clients ask the server, and understand it."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pydantic
import pytest

from tests.pipelines.serving.house import House

LOOK = {"type": "object", "properties": {"is_up": {"type": "boolean"}}, "required": ["is_up"], "additionalProperties": False}
SAID: list[Any] = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def theirs(house: House) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{house.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def other(house: House) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=house.url, api_key="none", max_retries=0) as client:
        yield client


class Sky(pydantic.BaseModel):
    """What is asked for."""

    is_up: bool


def test_openai_talks(theirs: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "tiny", "messages": SAID, "max_completion_tokens": 9, "seed": 2}
    whole = theirs.chat.completions.create(**asked)
    stream = list(theirs.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == whole.choices[0].message.content
    assert stream[-1].usage == whole.usage and [model.id for model in theirs.models.list()] == ["tiny", "encoder"]


def test_openai_parses_an_answer_of_a_schema(theirs: openai.OpenAI) -> None:
    found = theirs.chat.completions.parse(model="tiny", messages=SAID, response_format=Sky, max_tokens=60, seed=2)
    assert found.choices[0].message.parsed is not None and found.choices[0].message.parsed.is_up in (True, False)


def test_openai_calls_a_tool_as_a_stream(theirs: openai.OpenAI) -> None:
    tool: Any = {"type": "function", "function": {"name": "look", "parameters": LOOK}}
    with theirs.chat.completions.stream(model="tiny", messages=SAID, tools=[tool], tool_choice="required", max_tokens=120, seed=2) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert call.function.name == "look" and list(json.loads(call.function.arguments)) == ["is_up"]


def test_openai_reads_completions_embeddings_and_errors(theirs: openai.OpenAI) -> None:
    told = theirs.completions.create(model="tiny", prompt="a", max_tokens=3, logprobs=1, echo=True)
    assert told.choices[0].logprobs is not None and len(told.choices[0].logprobs.tokens or []) == 1 + (
        told.usage.completion_tokens if told.usage else 0
    )
    assert len(theirs.embeddings.create(model="encoder", input=["a", "b"]).data[1].embedding) == 16
    with pytest.raises(openai.NotFoundError, match="no model is named"):
        theirs.completions.create(model="gpt", prompt="a")
    with pytest.raises(openai.BadRequestError, match="max_tokens is 9999"):
        theirs.completions.create(model="tiny", prompt="a", max_tokens=9999)


def test_openai_reads_responses(theirs: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "tiny", "input": "Hi", "max_output_tokens": 9, "temperature": 0}
    whole = theirs.responses.create(**asked)
    with theirs.responses.stream(**asked) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
    assert text == whole.output_text and whole.status in ("completed", "incomplete")
    found = theirs.responses.parse(model="tiny", input="Hi", text_format=Sky, max_output_tokens=60)
    assert found.output_parsed is not None and found.output_parsed.is_up in (True, False)


def test_langchain_talks(house: House) -> None:
    from langchain_openai import ChatOpenAI

    key = pydantic.SecretStr("none")
    model = ChatOpenAI(model="tiny", base_url=f"{house.url}/v1", api_key=key, temperature=0, max_retries=0, max_completion_tokens=60)
    whole = model.invoke("Hi")
    assert "".join(str(chunk.content) for chunk in model.stream("Hi")) == whole.content
    found = model.with_structured_output(Sky, method="json_schema").invoke("Hi")
    assert isinstance(found, Sky)


def test_curl_talks(house: House) -> None:
    body = json.dumps({"model": "tiny", "messages": SAID, "max_tokens": 5, "temperature": 0})
    command = ["curl", "--silent", "--fail", "--json", body, f"{house.url}/v1/chat/completions"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    streamed = subprocess.run([*command[:4], body.replace("{", '{"stream": true, ', 1), command[-1]], capture_output=True, check=True, timeout=60)
    events = [line.removeprefix("data: ") for line in streamed.stdout.decode().splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1]]
    assert "".join(deltas) == said["choices"][0]["message"]["content"]


def test_anthropic_talks(other: anthropic.Anthropic) -> None:
    asked: dict[str, Any] = {"model": "tiny", "messages": SAID, "max_tokens": 9, "system": "Be brief.", "extra_body": {"temperature": 0}}
    whole = other.messages.create(**asked)
    with other.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == "".join(block.text for block in whole.content if block.type == "text") and final.usage == whole.usage
    with pytest.raises(anthropic.NotFoundError, match="no model is named"):
        other.messages.create(**{**asked, "model": "claude"})


def test_anthropic_calls_a_tool(other: anthropic.Anthropic) -> None:
    tool: Any = {"name": "look", "input_schema": LOOK}
    asked: dict[str, Any] = {"model": "tiny", "max_tokens": 120, "tools": [tool], "tool_choice": {"type": "any"}}
    with other.messages.stream(**asked, messages=SAID) as stream:
        final = stream.get_final_message()
    block = final.content[0]
    assert block.type == "tool_use" and list(block.input) == ["is_up"] and final.stop_reason == "tool_use"
    result = {"type": "tool_result", "tool_use_id": block.id, "content": "clouds"}
    after = other.messages.create(**asked, messages=[*SAID, {"role": "assistant", "content": final.content}, {"role": "user", "content": [result]}])
    assert after.stop_reason == "tool_use"
