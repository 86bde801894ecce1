"""Calls of tools as models write them, ``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``, read out of an answer as it comes.

What may yet be the mark of a call is held back until that is clear, so that what is told as it comes is what is told at once. What stands between the
marks and is no call is text.
"""

import json
import secrets
from typing import Any, NamedTuple, cast

OPEN, CLOSE = "<tool_call>", "</tool_call>"


class Call(NamedTuple):
    """A tool that is called."""

    id: str
    name: str
    arguments: str
    """A JSON object."""


class CallReader:
    """Reads an answer."""

    def __init__(self) -> None:
        """Have read nothing."""
        self._pending, self._is_inside = "", False

    def add(self, text: str) -> list[str | Call]:
        """Take what comes, and return the texts and calls that are sure now, in their order."""
        self._pending += text
        found: list[str | Call] = []
        while True:
            before, mark, rest = self._pending.partition(CLOSE if self._is_inside else OPEN)
            if not mark:
                break
            if self._is_inside:
                found.append(call_of(before) or OPEN + before + CLOSE)
            else:
                found.append(before.rstrip())
            self._pending, self._is_inside = rest, not self._is_inside
        if not self._is_inside:
            sure = len(self._pending) - _num_held_back(self._pending)
            found.append(self._pending[:sure])
            self._pending = self._pending[sure:]
        return [each for each in found if each]

    def end(self) -> list[str | Call]:
        """Take note that nothing follows, and return what is left: a call need not have its last mark, by which answers may end."""
        left: str | Call = (call_of(self._pending) or OPEN + self._pending) if self._is_inside else self._pending
        self._pending = ""
        return [left] if left else []


def _num_held_back(text: str) -> int:
    """Return how many characters at the end may yet belong to a mark: white space before it, and its beginning."""
    begun = next((count for count in range(min(len(OPEN) - 1, len(text)), 0, -1) if text.endswith(OPEN[:count])), 0)
    before = text[: len(text) - begun]
    return begun + len(before) - len(before.rstrip())


def call_of(text: str) -> Call | None:
    """Return the call that a text is, None where it is none."""
    try:
        found: Any = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    words = cast(dict[str, Any], found)
    name, arguments = words.get("name"), words.get("arguments", {})
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return Call(f"call_{secrets.token_hex(12)}", name, json.dumps(arguments, ensure_ascii=False))


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
