"""How a model is told of tools, and what a call that must come is held to."""

import json

import pytest

from kernels.specs.turns import Turn
from pipelines.serving.speech.tools import AUTO, REQUIRED, Choice, Tool, calls_turn, held_call, with_tools
from pipelines.serving.text.calls import Call
from pipelines.serving.wire.faults import Refused

LOOK = Tool("look", "Looks.", {"type": "object", "properties": {"at": {"$ref": "#/$defs/Thing"}}, "$defs": {"Thing": {"enum": ["sky"]}}})
ADD = Tool("add", "", None)


def test_a_template_with_tools_is_given_their_definitions() -> None:
    first, second = with_tools([Turn("user", "Hi")], [LOOK], takes_tools=True)
    assert first.role == "tools" and json.loads(first.content) == [LOOK.definition] and second == Turn("user", "Hi")


def test_a_template_without_tools_says_them_their_calls_and_what_they_gave_in_words() -> None:
    call = calls_turn("Wait.", [Call("c1", "look", '{"at": "sky"}')])
    turns = with_tools([Turn("system", "Be kind."), Turn("user", "Hi"), call, Turn("tool", "blue", tool_call_id="c1")], [LOOK], takes_tools=False)
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user"]
    assert turns[0].content.startswith("Be kind.\n\nYou may call") and '"name": "look"' in turns[0].content
    assert turns[2] == Turn("assistant", 'Wait.\n<tool_call>\n{"name": "look", "arguments": {"at": "sky"}}\n</tool_call>')
    assert turns[3].content == "<tool_response>\nblue\n</tool_response>"


def test_references_of_a_schema_hold_where_it_is_put() -> None:
    held = held_call([LOOK, ADD], REQUIRED)
    assert held is not None and held.is_call
    assert held.schema["$defs"]["look"]["properties"]["at"] == {"$ref": "#/$defs/look/$defs/Thing"}
    assert [call["properties"]["name"]["const"] for call in held.schema["anyOf"]] == ["look", "add"]


def test_a_named_tool_is_the_only_one_and_must_be_there() -> None:
    held = held_call([LOOK, ADD], Choice(must=True, name="add"))
    assert held is not None and list(held.schema["$defs"]) == ["add"]
    assert held_call([LOOK], AUTO) is None
    with pytest.raises(Refused, match="no tool is named 'sing', and the tools are look"):
        held_call([LOOK], Choice(must=True, name="sing"))
    with pytest.raises(Refused, match="a call is asked for, and the tools are none"):
        held_call([], REQUIRED)


@pytest.mark.parametrize("arguments", ["{", "[1]", "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    with pytest.raises(Refused, match="'c1'"):
        calls_turn("", [Call("c1", "look", arguments)])
