"""The pieces of a conversation's text: what a rule that rewrites text is given one by one, so that it never sees, or spoils, what parts turns.

Pieces are the contents of turns, the names of those who speak and, of tool calls, the names and every word or number that is passed.
Definitions of tools are none: they are the same in thousands of conversations and nobody said them. Whatever values are masked, they are
masked in every piece; passages and lines are only ever cut from what people and the assistant say.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from kernels.specs.turns import Turn

BETWEEN = "\n\n"
"""Between two pieces in a conversation's text."""
CUT_ROLES = ("user", "assistant", "rejected")


class Piece(NamedTuple):
    """One piece of a conversation's text."""

    text: str
    may_be_cut: bool
    """Whether passages may be taken out of it: not of what a system says, of tool calls and of what tools give."""


def pieces_of(turns: Sequence[Turn]) -> list[Piece]:
    """Return the pieces of a conversation in order, none of them without a character."""
    found: list[Piece] = []
    for turn in turns:
        if turn.role == "tools":
            continue
        if _has_name(turn):
            found.append(Piece(str(turn.name), may_be_cut=False))
        if turn.content:
            found.append(Piece(turn.content, turn.role in CUT_ROLES))
        found += [Piece(word, may_be_cut=False) for word in _words_of(turn)]
    return found


def text_of(turns: Sequence[Turn]) -> str:
    """Return the text of a conversation, which rules judge and duplicates are found by: its pieces with a blank line between, no marker."""
    return BETWEEN.join(piece.text for piece in pieces_of(turns))


def with_pieces(turns: Sequence[Turn], texts: Sequence[str]) -> list[Turn]:
    """Return a conversation with the texts of its pieces replaced, in the order of `pieces_of`.

    Raises:
        ValueError: there are more texts than pieces, or fewer.
    """
    if len(texts) != len(pieces_of(turns)):
        raise ValueError(f"{len(texts)} texts for {len(pieces_of(turns))} pieces of a conversation; give one each")
    left = iter(texts)
    return [_rewritten(turn, left) for turn in turns]


def _rewritten(turn: Turn, left: Iterator[str]) -> Turn:
    if turn.role == "tools":
        return turn
    turn = turn._replace(name=next(left) if _has_name(turn) else turn.name)
    turn = turn._replace(content=next(left) if turn.content else turn.content)
    if turn.tool_calls is None:
        return turn
    calls = [{**call, "function": map_words(call["function"], lambda word: next(left))} for call in json.loads(turn.tool_calls)]
    return turn._replace(tool_calls=json.dumps(calls, ensure_ascii=False))


def _has_name(turn: Turn) -> bool:
    """Return whether a turn names who speaks; that of a tool is no name of anybody."""
    return bool(turn.name) and turn.role in CUT_ROLES


def _words_of(turn: Turn) -> list[str]:
    """Return names and values of a turn's tool calls, in order."""
    words: list[str] = []

    def note(word: str) -> str:
        words.append(word)
        return word

    calls: list[dict[str, Any]] = json.loads(turn.tool_calls) if turn.tool_calls else []
    for call in calls:
        map_words(call["function"], note)
    return words


def map_words(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value whose strings and numbers are changed; a number that stays as it is written stays a number, keys stay."""
    if isinstance(value, dict):
        return {key: map_words(inner, change) for key, inner in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [map_words(inner, change) for inner in cast(list[Any], value)]
    if value is None or value == "" or isinstance(value, bool):
        return value
    word = value if isinstance(value, str) else json.dumps(value)
    changed = change(word)
    return value if changed == word else changed
