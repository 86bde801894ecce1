"""Conversations as data: turns, their order, and the forms in which others take them.

A document that is a conversation has its turns in a column of their own; its text is derived from them (`kernels.documents.pieces.text_of`) and
holds no marker of a turn. A preference pair is a conversation that ends in one or more turns of the role ``rejected``: each is a worse answer
than the assistant's turn before them, or, where there is none, an answer that is bad by itself.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import pyarrow as pa

from kernels.documents.pieces import text_of
from kernels.specs.sources import Document
from kernels.specs.turns import ROLES, Turn

TURNS = pa.list_(
    pa.struct(
        [
            pa.field("role", pa.string()),
            pa.field("content", pa.string()),
            pa.field("name", pa.string()),
            pa.field("tool_calls", pa.string()),
            pa.field("tool_call_id", pa.string()),
            pa.field("is_learned", pa.bool_()),
        ]
    )
)
"""The type of a column of conversations: the fields of `Turn`."""
_BEFORE: dict[str, tuple[str, ...]] = {
    "user": ("start", "assistant"),
    "assistant": ("user", "tool"),
    "tool": ("call", "tool"),
    "rejected": ("user", "tool", "assistant", "call", "rejected"),
}
"""What a turn of each role may follow; ``call`` is an assistant's turn that calls tools."""


class Messages(NamedTuple):
    """A conversation as chat templates take it."""

    messages: list[dict[str, Any]]
    tools: list[Any] | None


class TurnsFault(NamedTuple):
    """What is wrong with a conversation: a short fixed code, and where."""

    reason: str
    detail: str


def conversation(key: str, turns: Sequence[Turn]) -> Document:
    """Return the document of a conversation."""
    return Document(key=key, text=text_of(turns), turns=tuple(turns))


def fault_of(turns: Sequence[Turn]) -> TurnsFault | None:
    """Return what is wrong with a conversation, None where nothing is.

    First may stand the definitions of tools, then what the system says. Then user and assistant speak in turn; an answer that calls tools is
    followed by what they gave, and that by the assistant again. Rejected answers are last. Only tools may say nothing, and an answer that
    calls them.
    """
    names = " ".join(turn.role for turn in turns[:50])
    before = "head"
    for number, turn in enumerate(turns, start=1):
        if turn.role not in ROLES:
            return TurnsFault("role_order", f"turn {number} is of the unknown role {turn.role!r:.60}")
        if not turn.content.strip() and turn.role != "tool" and turn.tool_calls is None:
            return TurnsFault("empty_turn", f"turn {number} of {names}")
        if turn.role in ("tools", "system"):
            if before != "head" or (turn.role == "tools" and number > 1):
                return TurnsFault("role_order", names)
            before = "head" if turn.role == "tools" else "start"
            continue
        if ("start" if before == "head" else before) not in _BEFORE[turn.role]:
            return TurnsFault("role_order", names)
        before = "call" if turn.role == "assistant" and turn.tool_calls else turn.role
    return TurnsFault("role_order", names or "no turn") if before in ("head", "start") else None


def disagreement(text: str, turns: Sequence[Turn] | None) -> str:
    """Return what is wrong with a document's turns and text, nothing where it is no conversation, or a whole one whose text is that of its turns."""
    if turns is None:
        return ""
    if fault := fault_of(turns):
        return f"{fault.reason}: {fault.detail}"
    return "" if text == text_of(turns) else "the text is not that of the turns"


def without_rejected(turns: Iterable[Turn]) -> list[Turn]:
    """Return a conversation without the answers that people liked less: what a model may be taught to say."""
    return [turn for turn in turns if turn.role != "rejected"]


def as_messages(turns: Iterable[Turn]) -> Messages:
    """Return turns as messages in OpenAI's form, a rejected answer as an assistant's, and the definitions of tools apart."""
    messages: list[dict[str, Any]] = []
    tools: list[Any] | None = None
    for turn in turns:
        if turn.role == "tools":
            tools = json.loads(turn.content)
            continue
        message: dict[str, Any] = {"role": "assistant" if turn.role == "rejected" else turn.role, "content": turn.content}
        for field in ("name", "tool_call_id"):
            if (value := getattr(turn, field)) is not None:
                message[field] = value
        if turn.tool_calls is not None:
            message["tool_calls"] = json.loads(turn.tool_calls)
        messages.append(message)
    return Messages(messages, tools)


def transcript(turns: Iterable[Turn]) -> str:
    """Return a conversation for people to read, a paragraph a turn: ``user: Hi``."""
    return "\n\n".join(f"{turn.role}: {' '.join(filter(None, (turn.content, turn.tool_calls)))}" for turn in turns)


def turns_column(conversations: Iterable[Sequence[Turn] | None]) -> Any:
    """Return conversations as an array of type `TURNS`, null where there is none."""
    rows: list[Any] = [None if turns is None else [turn._asdict() for turn in turns] for turns in conversations]
    return pa.array(rows, TURNS)


def turns_of(column: Any) -> list[list[Turn] | None]:
    """Return the conversations of an Arrow column of type `TURNS`, None where a document is none."""
    if column.null_count == len(column):
        return [None] * len(column)
    rows = cast(list[list[dict[str, Any]] | None], column.to_pylist())
    return [None if turns is None else [Turn(**turn) for turn in turns] for turns in rows]
