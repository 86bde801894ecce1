"""Tools that a model may call: how it is told of them, and what a call that is asked for is held to."""

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NamedTuple, cast

from pydantic import Field

from kernels.specs.turns import Turn
from pipelines.serving.speech.wishes import Held
from pipelines.serving.text.calls import CLOSE, OPEN, Call
from pipelines.serving.wire.faults import Refused

MOST_TOOLS = 128
ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}


class Tool(NamedTuple):
    """A tool."""

    name: str
    description: str
    parameters: dict[str, Any] | None
    """JSON Schema of its arguments, an object; None for a tool without any."""

    @property
    def definition(self) -> dict[str, Any]:
        """As chat templates are told of it."""
        told = {"name": self.name, "description": self.description, "parameters": self.parameters or _NO_ARGUMENTS}
        return {"type": "function", "function": told}


class Choice(NamedTuple):
    """Whether a tool is to be called."""

    may: bool = True
    must: bool = False
    name: str | None = None
    """Of the only one that may be called."""


AUTO, NONE, REQUIRED = Choice(), Choice(may=False), Choice(must=True)


def held_call(tools: Sequence[Tool], choice: Choice, param: str = "tool_choice") -> Held | None:
    """Return what an answer is held to that must be a call; None where it need not be.

    Raises:
        Refused: there is no such tool.
    """
    if not choice.must:
        return None
    chosen = [tool for tool in tools if choice.name in (None, tool.name)]
    if not chosen:
        fault = "a call is asked for" if choice.name is None else f"no tool is named {choice.name!r}"
        raise Refused(400, f"{param}: {fault}, and the tools are {', '.join(tool.name for tool in tools) or 'none'}", param=param)
    # schemas refer to their own parts from their roots, which here lie below the names of tools
    parts = {tool.name: _moved(tool.parameters or _NO_ARGUMENTS, f"#/$defs/{tool.name}") for tool in chosen}
    calls = [
        {
            "type": "object",
            "properties": {"name": {"const": tool.name}, "arguments": {"$ref": f"#/$defs/{tool.name}"}},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for tool in chosen
    ]
    return Held(schema={"$defs": parts, "anyOf": calls}, param="tools", is_call=True)


def _moved(value: Any, root: str) -> Any:
    """Return a schema whose references are to be found below another root."""
    if isinstance(value, list):
        return [_moved(each, root) for each in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    words = cast(dict[str, Any], value)
    return {
        key: root + inner[1:] if key == "$ref" and isinstance(inner, str) and inner.startswith("#") else _moved(inner, root)
        for key, inner in words.items()
    }


def with_tools(turns: Sequence[Turn], tools: Sequence[Tool], *, takes_tools: bool) -> list[Turn]:
    """Return a conversation in which a model is told of tools, in plain words where its template does not know any."""
    if not tools and takes_tools:
        return list(turns)
    if takes_tools:
        return [Turn("tools", json.dumps([tool.definition for tool in tools], ensure_ascii=False)), *turns]
    said = list(map(_in_words, turns))
    if not tools:
        return said
    first = said[0] if said and said[0].role == "system" else None
    words = _told(tools) if first is None else f"{first.content}\n\n{_told(tools)}"
    return [Turn("system", words), *(said if first is None else said[1:])]


def _told(tools: Iterable[Tool]) -> str:
    lines = "\n".join(json.dumps(tool.definition["function"], ensure_ascii=False) for tool in tools)
    form = f'{OPEN}\n{{"name": ..., "arguments": {{...}}}}\n{CLOSE}'
    return f"You may call these tools; each is told with the JSON Schema of its arguments:\n{lines}\nTo call one, write\n{form}"


def _in_words(turn: Turn) -> Turn:
    """Return a turn that a template without tools can say."""
    if turn.role == "tool":
        return Turn("user", f"<tool_response>\n{turn.content}\n</tool_response>")
    if turn.tool_calls is None:
        return turn
    calls = [f"{OPEN}\n{json.dumps(call['function'], ensure_ascii=False)}\n{CLOSE}" for call in json.loads(turn.tool_calls)]
    return Turn(turn.role, "\n".join([*filter(None, [turn.content]), *calls]))


def calls_turn(content: str, calls: Iterable[Call]) -> Turn:
    """Return the turn of an assistant that called tools. Raises Refused: arguments are no JSON object."""
    return Turn("assistant", content, tool_calls=json.dumps([_as_told(call) for call in calls], ensure_ascii=False))


def _as_told(call: Call) -> dict[str, Any]:
    try:
        arguments: Any = json.loads(call.arguments)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the arguments of the call {call.id!r} are no JSON: {error}", param="messages") from error
    if not isinstance(arguments, dict):
        raise Refused(400, f"the arguments of the call {call.id!r} are no JSON object", param="messages")
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
