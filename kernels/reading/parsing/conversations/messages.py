"""One turn as people write it down: OpenAI's message, ShareGPT's, and what models of several makers add to them.

A message names its speaker (``role``, ``from``) and what it says (``content``, ``value``, ``text``: a text, or parts of the type text).
Tools are called by ``tool_calls``, by ``function_call`` beside a text, or by a turn of the role ``function_call`` whose text is the call as JSON;
what they gave is a turn of the role ``tool``, ``function``, ``observation`` or ``ipython``. An answer with ``weight: 0`` or ``train: false`` is
context alone. What a model thought (``reasoning_content``) stands before its answer, between ``<think>`` marks, as reasoning models write it.
"""

import json
from typing import Any, cast

from kernels.reading.parsing.rows import BadRecordError
from kernels.reading.parsing.text import tidy
from kernels.specs.turns import Turn

CALL = "function_call"
ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "model": "assistant", "ai": "assistant",
    "bing": "assistant", "bard": "assistant", "claude": "assistant",
    "tool": "tool", "function": "tool", "observation": "tool", "ipython": "tool", "tool_response": "tool", "function_response": "tool",
    "tool_result": "tool",
    CALL: CALL, "tool_call": CALL, "tool_calls": CALL, "function-call": CALL,
}  # fmt: skip
MAX_JSON_DEPTH = 20
"""Nesting of a tool call or definition; deeper ones are refused, since what walks them recurses."""
_TEXT_PARTS = ("text", "input_text", "output_text")
_REASONING = ("reasoning_content", "reasoning", "thinking")
_ARGUMENTS = ("arguments", "parameters", "input", "args")


def messages(values: list[object]) -> list[Turn]:
    """Return the turns of a list of messages. Raises BadRecordError."""
    return [message(value) for value in values]


def message(value: object) -> Turn:
    """Return the turn of one message. Raises BadRecordError."""
    if not isinstance(value, dict):
        raise BadRecordError("schema", f"expected a turn with a role and its text, got {type(value).__name__}")
    fields = cast(dict[str, Any], value)
    role_field = "from" if "from" in fields else "role"
    said = fields.get(role_field)
    role = ROLES.get(said.lower()) if isinstance(said, str) else None
    if role is None:
        raise BadRecordError("schema", f"{role_field!r} must be one of {sorted(ROLES)}, got {said!r:.60}")
    content_field = next((name for name in ("content", "value", "text") if name in fields), "value" if "from" in fields else "content")
    found = fields.get(content_field)
    if role == CALL:
        return Turn("assistant", "", tool_calls=tool_calls(found), is_learned=_is_learned(fields))
    name, answers = (_name(fields, field) for field in ("name", "tool_call_id"))
    if role == "tool":
        return Turn(role, _given(found, content_field), name=name, tool_call_id=answers)
    if role != "assistant":
        return Turn(role, content(_joined(found), content_field), name=name)
    calls = fields.get("tool_calls") or fields.get("function_call")
    is_silent = calls and (found is None or found == "" or found == [])
    answer = "" if is_silent else content(_joined(found), content_field)
    called = tool_calls(calls) if calls else None
    return Turn(role, _with_reasoning(fields, answer), name=name, tool_calls=called, is_learned=_is_learned(fields))


def content(value: object, field: str) -> str:
    """Return what a turn says, indented as it is; one blank before it, which completions often begin with, is none of it. Raises BadRecordError."""
    if not isinstance(value, str):
        raise BadRecordError("schema", f"{field!r} must be a string, got {type(value).__name__}")
    text = tidy(value)
    if not text.strip():
        raise BadRecordError("empty_turn", f"{field!r} is empty")
    return text[1:] if text[0] == " " and not text[1].isspace() else text


def json_text(value: object, field: str) -> str:
    """Return a value as JSON text. Raises BadRecordError where it is nested too deep or holds numbers that are not finite."""
    if _depth(value, 0) > MAX_JSON_DEPTH:
        raise BadRecordError("schema", f"{field!r} is nested deeper than {MAX_JSON_DEPTH}")
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise BadRecordError("schema", f"{field!r}: {error}") from error


def tool_calls(value: object) -> str:
    """Return calls, one or a list, as JSON text or as values, in the form of `kernels.specs.turns.Turn`. Raises BadRecordError."""
    value = _parsed(value, "tool_calls") if isinstance(value, str) else value
    found = cast(list[object], value) if isinstance(value, list) else [value]
    if not found:
        raise BadRecordError("schema", "a turn that calls tools calls none")
    return json_text([_call(each) for each in found], "tool_calls")


def _call(value: object) -> dict[str, Any]:
    outer = cast(dict[str, Any], value) if isinstance(value, dict) else {}
    inner = cast(dict[str, Any], outer["function"]) if isinstance(outer.get("function"), dict) else outer
    name = inner.get("name")
    if not isinstance(name, str) or not name.strip():
        raise BadRecordError("schema", f"a tool call needs a function's name, got {value!r:.100}")
    given: list[object] = [inner[field] for field in _ARGUMENTS if inner.get(field) is not None]
    arguments = given[0] if given else dict[str, object]()
    if isinstance(arguments, str):  # OpenAI writes them as JSON within a string
        try:
            parsed: object = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError):
            parsed = None
        arguments = cast(object, parsed) if isinstance(parsed, dict) else arguments
    identifier = outer.get("id")
    call: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return {"id": identifier, **call} if isinstance(identifier, str) else call


def _parsed(text: str, field: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRecordError("schema", f"{field!r} must be JSON: {error}") from error


def definitions(value: object, field: str) -> Turn:
    """Return the turn that holds the definitions of tools, a list or its JSON text. Raises BadRecordError."""
    value = _parsed(value, field) if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in cast(list[object], value)):
        raise BadRecordError("schema", f"{field!r} must be a list of tools, got {value!r:.60}")
    return Turn("tools", json_text(cast(object, value), field))


def _given(value: object, field: str) -> str:
    """Return what a tool gave: a text, which may be empty, or a value as JSON."""
    if isinstance(value, dict) or (isinstance(value, list) and not _are_parts(cast(list[object], value))):
        return json_text(cast(object, value), field)
    joined = "" if value is None else _joined(cast(object, value))
    return content(joined, field) if not isinstance(joined, str) or joined.strip() else ""


def _are_parts(values: list[object]) -> bool:
    return bool(values) and all(isinstance(value, dict) and "type" in value for value in values)


def _joined(value: object) -> object:
    """Return a text of OpenAI's parts, anything else as it is."""
    return "\n\n".join(_part(part) for part in cast(list[object], value)) if isinstance(value, list) else value


def _part(value: object) -> str:
    fields = cast(dict[str, object], value) if isinstance(value, dict) else {"type": "text", "text": value}
    text = fields.get("text")
    if fields.get("type") not in _TEXT_PARTS or not isinstance(text, str):
        raise BadRecordError("not_text", f"a part of the type {fields.get('type')!r:.60}")
    return text


def _name(fields: dict[str, Any], field: str) -> str | None:
    value = fields.get(field)
    return value if isinstance(value, str) and value else None


def _with_reasoning(fields: dict[str, Any], answer: str) -> str:
    thought = next((fields[name] for name in _REASONING if isinstance(fields.get(name), str) and fields[name].strip()), None)
    return answer if thought is None else f"<think>\n{tidy(thought)}\n</think>\n\n{answer}".rstrip("\n")


def _is_learned(fields: dict[str, Any]) -> bool:
    """Return whether an answer is to be learned from. Raises BadRecordError where it is to be learned by halves."""
    for field in ("weight", "train", "training"):
        value = fields.get(field)
        if value is not None:
            if value not in (0, 1):
                raise BadRecordError("schema", f"{field!r} of a turn must be 0 or 1, got {value!r:.60}")
            return bool(value)
    return True


def _depth(value: object, depth: int) -> int:
    """Return how deep a value is nested, at most a little more than `MAX_JSON_DEPTH`."""
    if depth > MAX_JSON_DEPTH or not isinstance(value, dict | list):
        return depth
    inner = cast(dict[str, object], value).values() if isinstance(value, dict) else cast(list[object], value)
    return max((_depth(each, depth + 1) for each in inner), default=depth)
