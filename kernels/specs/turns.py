"""One turn of a conversation, as every stage from the reader to the trainer passes it on."""

from typing import Literal, NamedTuple, cast, get_args

Role = Literal["tools", "system", "user", "assistant", "tool", "rejected"]
"""``tools`` holds the definitions of the tools that may be called, ``tool`` what a call gave, ``rejected`` an answer that people liked less."""
ROLES = cast(tuple[Role, ...], get_args(Role))


class Turn(NamedTuple):
    """Who says what. No part of it is ever a marker: turns become marked text only where they are made into tokens."""

    role: str
    """One of `ROLES`."""
    content: str
    """What is said; empty where a turn only calls tools. Of the role ``tools``: a JSON list of definitions."""
    name: str | None = None
    """Whose turn it is, where the data tell several speakers or tools apart."""
    tool_calls: str | None = None
    """A JSON list of calls, each ``{"type": "function", "function": {"name": ..., "arguments": {...}}}``, perhaps with an ``id``."""
    tool_call_id: str | None = None
    """Which call a tool's turn answers."""
    is_learned: bool = True
    """Whether an answer is to be learned from; data may say of single turns that they are not (``weight: 0``)."""
