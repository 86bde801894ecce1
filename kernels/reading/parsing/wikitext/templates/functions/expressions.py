"""Arithmetic of ``{{#expr:...}}``, computed without running anything.

Operators and their order: https://www.mediawiki.org/wiki/Help:Extension:ParserFunctions_syntax. All of them bind to the left.
"""

import math
import operator
import re
from collections.abc import Callable

from kernels.reading.parsing.wikitext.templates.quantities.numbers import round_half_up

MAX_CHARS = 300
"""A longer expression is none that an article holds."""

_TOKEN = re.compile(r"\s*(\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+|[a-z]+|<>|!=|<=|>=|[-+*/^()=<>])", re.IGNORECASE)
_SIGNS = str.maketrans({"\u2212": "-", "\u00d7": "*", "\u00f7": "/", "\ufdd6": "="})
_CONSTANTS = {"pi": math.pi, "e": math.e}


def _divided(left: float, right: float) -> float:
    return left / right


_BINARY: dict[str, tuple[int, Callable[[float, float], float]]] = {
    "or": (1, lambda left, right: float(bool(left) or bool(right))),
    "and": (2, lambda left, right: float(bool(left) and bool(right))),
    "=": (3, lambda left, right: float(left == right)),
    "!=": (3, lambda left, right: float(left != right)),
    "<>": (3, lambda left, right: float(left != right)),
    "<": (3, lambda left, right: float(left < right)),
    ">": (3, lambda left, right: float(left > right)),
    "<=": (3, lambda left, right: float(left <= right)),
    ">=": (3, lambda left, right: float(left >= right)),
    "round": (4, lambda left, right: round_half_up(left, int(right))),
    "+": (5, operator.add),
    "-": (5, operator.sub),
    "*": (6, operator.mul),
    "/": (6, _divided),
    "div": (6, _divided),
    "mod": (6, lambda left, right: math.fmod(int(left), int(right))),
    "fmod": (6, math.fmod),
    "^": (7, math.pow),
    "e": (9, lambda left, right: left * 10.0**right),
}
_UNARY: dict[str, Callable[[float], float]] = {
    "-": operator.neg, "+": operator.pos, "not": lambda value: float(not value), "abs": abs, "ceil": math.ceil, "floor": math.floor,
    "trunc": math.trunc, "sqrt": math.sqrt, "ln": math.log, "exp": math.exp, "sin": math.sin, "cos": math.cos, "tan": math.tan,
}  # fmt: skip
_UNARY_RANK = 8


class _Tokens:
    """The words of an expression, read from left to right."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.place = 0

    def peek(self) -> str:
        return self.words[self.place] if self.place < len(self.words) else ""

    def take(self) -> str:
        word = self.peek()
        self.place += 1
        return word


def evaluated(expression: str) -> float | None:
    """Return the value of an expression; None where it has none."""
    words = _words(expression.translate(_SIGNS))
    if not words:
        return None
    tokens = _Tokens(words)
    try:
        value = float(_value(tokens, 1))
    except (ValueError, ArithmeticError):  # no expression, a division by zero, a root of a negative number, a number past all bounds
        return None
    return value if tokens.place == len(words) and math.isfinite(value) else None


def number_text(value: float) -> str | None:
    """Return a number in digits, with at most 14 of them, as MediaWiki writes it; None for one that it would write as a power of ten."""
    text = format(value, ".14g")
    return None if "e" in text else "0" if text == "-0" else text


def _words(expression: str) -> list[str] | None:
    words: list[str] = []
    place = 0
    expression = expression.strip()
    while place < len(expression) <= MAX_CHARS:
        token = _TOKEN.match(expression, place)
        if token is None:
            return None
        words.append(token[1].lower())
        place = token.end()
    return words


def _value(tokens: _Tokens, lowest: int) -> float:
    """Return the value of what follows, as far as its operators bind at least as closely as ``lowest``."""
    left = _operand(tokens)
    while (found := _BINARY.get(tokens.peek())) and found[0] >= lowest:
        tokens.take()
        left = found[1](left, _value(tokens, found[0] + 1))
    return left


def _operand(tokens: _Tokens) -> float:
    word = tokens.take()
    if word == "(":
        value = _value(tokens, 1)
        if tokens.take() != ")":
            raise ValueError("a bracket is not closed")
        return value
    if operation := _UNARY.get(word):
        return operation(_value(tokens, _UNARY_RANK))
    return _CONSTANTS[word] if word in _CONSTANTS else float(word)
