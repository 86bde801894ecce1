r"""The forms in which conversations are kept, each read as turns of the roles system, user, assistant and, for a refused answer, rejected.

- ``messages`` or ``conversation``: OpenAI's list of role and content (text, or parts of the type text).
- ``conversations``: ShareGPT's list of from and value.
- ``data``, or a bare list: UltraChat's list of texts, the user's first.
- ``chosen`` and ``rejected``: two such lists, or transcripts with ``\n\nHuman:`` and ``\n\nAssistant:``, that differ in the last answer.
- ``instruction``, ``input`` and ``output`` (Alpaca), or ``instances`` of input and output (Self-Instruct).

A ``system`` text beside any of them is the first turn; a text ``rejected`` beside a list of turns is a second answer to the last question.
"""

import re
from collections.abc import Iterator
from typing import Any, cast

from kernels.documents.conversations import Turn
from kernels.reading.parsing.rows import BadRecordError
from kernels.reading.parsing.text import tidy

ROLES = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "prompter": "user", "assistant": "assistant", "gpt": "assistant",
    "chatgpt": "assistant", "bot": "assistant", "model": "assistant", "ai": "assistant",
}  # fmt: skip
CONTROL_TOKENS = ("<|im_start|>", "<|im_end|>")
_SPOKEN = ("user", "assistant")
_TRANSCRIPT = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")


def conversations(value: object) -> Iterator[list[Turn]]:
    """Yield the checked conversations of a record: one, or as many as it has instances. Raises BadRecordError."""
    if isinstance(value, list):
        yield _ordered(_texts(cast(list[object], value)) or _messages(cast(list[object], value)))
    elif not isinstance(value, dict):
        raise BadRecordError("schema", f"expected an object or a list, got {type(value).__name__}")
    else:
        record = cast(dict[str, Any], value)
        for turns in _forms(record):
            system = record.get("system")
            yield _ordered([Turn(role="system", content=_content(system, "system")), *turns] if system else turns)


def _forms(record: dict[str, Any]) -> Iterator[list[Turn]]:
    """Yield the turns of a record by the first form that it has."""
    for field in ("messages", "conversations", "conversation"):
        if field in record:
            yield _with_rejected(_messages(_list(record[field], field)), record)
            return
    if "chosen" in record:
        yield _pair(record)
    elif "data" in record:
        yield _with_rejected(_texts(_list(record["data"], "data")), record)
    elif "instances" in record:
        for instance in _list(record["instances"], "instances"):
            yield _instructed({**record, **instance} if isinstance(instance, dict) else {})
    elif "instruction" in record:
        yield _instructed(record)
    elif "turns" in record:
        raise BadRecordError("no_answers", "a list of questions without their answers")
    else:
        raise BadRecordError("schema", f"no known form of a conversation among {sorted(map(str, record))[:20]}")


def _list(value: object, field: str) -> list[object]:
    if not isinstance(value, list):
        raise BadRecordError("schema", f"{field!r} must be a list, got {type(value).__name__}")
    return cast(list[object], value)


def _texts(values: list[object]) -> list[Turn]:
    """Return turns of a list of two texts or more, none where it is something else."""
    if len(values) < 2 or not all(isinstance(value, str) for value in values):
        return []
    return [Turn(role=_SPOKEN[index % 2], content=_content(value, f"turn {index + 1}")) for index, value in enumerate(values)]


def _messages(values: list[object]) -> list[Turn]:
    return [_message(value) for value in values]


def _message(value: object) -> Turn:
    if not isinstance(value, dict):
        raise BadRecordError("schema", f"expected a turn with a role and its text, got {type(value).__name__}")
    fields = cast(dict[str, object], value)
    role_field, content_field = ("from", "value") if "from" in fields else ("role", "content")
    role = fields.get(role_field)
    if not isinstance(role, str) or role.lower() not in ROLES:
        raise BadRecordError("schema", f"{role_field!r} must be one of {sorted(ROLES)}, got {role!r:.60}")
    content = fields.get(content_field)
    if isinstance(content, list):
        content = "\n\n".join(_part(part) for part in cast(list[object], content))
    return Turn(role=ROLES[role.lower()], content=_content(content, content_field))


def _part(value: object) -> str:
    """Return one of the parts that OpenAI's content may be made of."""
    fields = cast(dict[str, object], value) if isinstance(value, dict) else {}
    text = fields.get("text")
    if fields.get("type") != "text" or not isinstance(text, str):
        raise BadRecordError("not_text", f"a part of the type {fields.get('type')!r:.60}")
    return text


def _pair(record: dict[str, Any]) -> list[Turn]:
    """Return a preference pair's shared turns, the chosen answer and the rejected one."""
    chosen, rejected = (_transcript(record.get(field), field) for field in ("chosen", "rejected"))
    if chosen[:-1] != rejected[:-1] or any(not turns or turns[-1]["role"] != "assistant" for turns in (chosen, rejected)):
        raise BadRecordError("pair_mismatch", "chosen and rejected must differ in their last turn, an answer, and in nothing else")
    return [*chosen, Turn(role="rejected", content=rejected[-1]["content"])]


def _transcript(value: object, field: str) -> list[Turn]:
    if isinstance(value, list):
        return _messages(cast(list[object], value))
    if not isinstance(value, str):
        raise BadRecordError("schema", f"{field!r} must be a transcript or a list of turns, got {type(value).__name__}")
    before, *parts = _TRANSCRIPT.split(value)
    if before.strip() or not parts:
        raise BadRecordError("schema", f"{field!r} must begin with Human: or Assistant:")
    return [Turn(role=ROLES.get(role.lower(), ""), content=_content(text, field)) for role, text in zip(parts[::2], parts[1::2], strict=True)]


def _instructed(record: dict[str, Any]) -> list[Turn]:
    """Return the two turns of an instruction, its input below it, and the output."""
    asked = _content(record.get("instruction"), "instruction")
    given = record.get("input")
    question = f"{asked}\n\n{_content(given, 'input')}" if given else asked
    return [Turn(role="user", content=question), Turn(role="assistant", content=_content(record.get("output"), "output"))]


def _with_rejected(turns: list[Turn], record: dict[str, Any]) -> list[Turn]:
    if record.get("rejected") is None:
        return turns
    if not turns or turns[-1]["role"] != "assistant":
        raise BadRecordError("role_order", f"a rejected answer needs an assistant turn before it: {_names(turns)}")
    return [*turns, Turn(role="rejected", content=_content(record["rejected"], "rejected"))]


def _ordered(turns: list[Turn]) -> list[Turn]:
    """Return turns that are an optional system turn and then user and assistant in turn, a rejected answer last."""
    roles = [turn["role"] for turn in turns if turn["role"] != "rejected"]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if not spoken or spoken != [_SPOKEN[index % 2] for index in range(len(spoken))]:
        raise BadRecordError("role_order", _names(turns))
    return turns


def _names(turns: list[Turn]) -> str:
    return " ".join(turn["role"] for turn in turns[:50])


def _content(value: object, field: str) -> str:
    """Return a turn's text. A control token in it would read as the end of the turn and the start of another: it is refused."""
    if not isinstance(value, str):
        raise BadRecordError("schema", f"{field!r} must be a string, got {type(value).__name__}")
    content = tidy(value).strip()
    if not content:
        raise BadRecordError("empty_turn", f"{field!r} is empty")
    for token in CONTROL_TOKENS:
        if token in content:
            raise BadRecordError("control_token", token)
    return content
