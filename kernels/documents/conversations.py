r"""Conversations written as text.

A conversation's text is its truth: ChatML turns (``<|im_start|>role\n...<|im_end|>\\n``), so that filters, masking and
deduplication treat it as any other document, and `parse_conversation` reads it back. A preference pair is a conversation
with one more turn of the role ``rejected`` behind the last ``assistant`` turn.
"""

import re
from collections.abc import Iterable
from typing import TypedDict

_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>(?:\n|$)", re.DOTALL)


class Turn(TypedDict):
    """One message of a conversation."""

    role: str
    content: str


def render_conversation(turns: Iterable[Turn]) -> str:
    """Return turns as ChatML text."""
    return "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in turns)


def parse_conversation(text: str) -> list[Turn]:
    """Return the turns of ChatML text, and none where the text is no conversation."""
    return [Turn(role=match[1], content=match[2]) for match in _TURN.finditer(text)]
