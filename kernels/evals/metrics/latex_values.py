"""Answers in LaTeX as values: exact numbers, lists in an order or in none, and spellings of all else; and when two are equal."""

import re
from fractions import Fraction
from typing import Literal, NamedTuple

from kernels.evals.metrics.latex import closing

_MAX_DEPTH = 6
"""Of lists within lists; what is deeper is compared by its spelling."""
_NUM = r"[-+]?[0-9]{1,60}(?:\.[0-9]{0,60})?"
_NUMBER = re.compile(rf"({_NUM})(?:(?:\\times|\\cdot|\*)10\^\{{?([-+]?[0-9]{{1,3}})\}}?)?")
_FRACTION = re.compile(rf"([-+]?)([0-9]{{0,60}})\\frac\{{({_NUM})\}}\{{({_NUM})\}}")
_THOUSANDS = re.compile(r"([-+]?[0-9]{1,3}(?:,[0-9]{3})+)(?![0-9,])")
_NAME = re.compile(r"(?:[A-Za-z]{1,2}|[A-Za-z]\([A-Za-z]\)|\\[a-z]+)(?:_[0-9A-Za-z])?=")
_MATRIX = re.compile(r"\\begin\{([a-z]*matrix)\}(.*)\\end\{\1\}", re.DOTALL)


class Value(NamedTuple):
    """What an answer says."""

    kind: Literal["text", "number", "ordered", "unordered"]
    text: str
    """Of a text, its spelling; of a list, what is around or between its parts."""
    number: Fraction = Fraction(0)
    is_percent: bool = False
    parts: "tuple[Value, ...]" = ()


def read_value(text: str) -> Value:
    """Return the value of an answer that `kernels.evals.metrics.latex.normalise` has spelt; the time is linear in its length."""
    return _read(text, 0)


def _read(text: str, depth: int) -> Value:
    """Return a normalised answer as a value."""
    if text.count("=") == 1:
        text = _NAME.sub("", text, count=1) if _NAME.match(text) else text
    if depth == _MAX_DEPTH:
        return Value("text", text)
    parts = _listed(text) if depth == 0 else _split(text, ",;")
    if len(parts) > 1:
        return Value("unordered", ",", parts=_read_all(parts, depth))
    text = parts[0]
    union = text.split(r"\cup")
    if len(union) > 1:
        return Value("unordered", "union", parts=_read_all(union, depth))
    matrix = _MATRIX.fullmatch(text)
    if matrix is not None:
        rows = (row.split("&") for row in matrix[2].removesuffix(r"\\").split(r"\\"))
        return Value("ordered", "matrix", parts=tuple(Value("ordered", "row", parts=_read_all(row, depth)) for row in rows))
    return _read_bracketed(text, depth)


def _read_bracketed(text: str, depth: int) -> Value:
    r"""Return the value of what may stand in brackets as a whole: a set, a tuple or interval, or one value in parentheses."""
    if text.startswith(r"\{") and text.endswith(r"\}") and closing(text, 1) == len(text) - 1:
        inside = text[2:-2]
        return Value("unordered", ",", parts=_read_all(_split(inside, ",;"), depth) if inside else ())
    if text[:1] in ("(", "[") and text[-1:] in (")", "]") and closing(text, 0) == len(text) - 1:
        parts = _split(text[1:-1], ",;")
        if len(parts) > 1:
            return Value("ordered", text[0] + text[-1], parts=_read_all(parts, depth))
        if text[0] + text[-1] == "()":
            return _read(parts[0], depth + 1)
    return _read_one(text)


def _read_all(parts: list[str], depth: int) -> tuple[Value, ...]:
    return tuple(_read(part, depth + 1) for part in parts)


def _listed(text: str) -> list[str]:
    """Return the parts of a bare list; commas that part a number's thousands are none."""
    parts: list[str] = []
    for part in _split(text, ";"):
        number = _THOUSANDS.match(part)
        whole = "" if number is None else number[1].replace(",", "")
        head, *more = _split(part if number is None else part[number.end() :], ",")
        parts += [whole + head, *more]
    return parts


def _split(text: str, separators: str) -> list[str]:
    """Return the parts of a text between separators that no bracket holds."""
    parts: list[str] = []
    depth = start = 0
    for position, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and sign in separators:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _read_one(text: str) -> Value:
    """Return a number, or the spelling of what is none."""
    is_percent = text.endswith("%")
    bare = _as_fraction(text.removesuffix("%"))
    number = _number(bare)
    if number is None:
        return Value("text", bare.removeprefix("+"))
    return Value("number", "", number, is_percent)


def _as_fraction(text: str) -> str:
    r"""Return ``a/b``, where that is the whole but for a sign, as ``\frac{a}{b}``."""
    sign, unsigned = (text[0], text[1:]) if text[:1] in ("-", "+") else ("", text)
    parts = _split(unsigned, "/")
    if len(parts) != 2 or not all(parts) or any(len(_split(part, "+-")) > 1 for part in parts):
        return text
    above, below = (part[1:-1] if part[0] == "(" and closing(part, 0) == len(part) - 1 else part for part in parts)
    return rf"{sign}\frac{{{above}}}{{{below}}}"


def _number(text: str) -> Fraction | None:
    """Return the exact value of a number, None where a text is none."""
    plain = _NUMBER.fullmatch(text)
    if plain is not None:
        return Fraction(plain[1]) * Fraction(10) ** int(plain[2] or 0)
    parts = _FRACTION.fullmatch(text)
    if parts is None or Fraction(parts[4]) == 0:
        return None
    size = Fraction(parts[2] or 0) + Fraction(parts[3]) / Fraction(parts[4])
    return -size if parts[1] == "-" else size


def are_equal(first: Value, second: Value) -> bool:
    """Return whether two values are equal; a percentage equals its number and its hundredth, unless both are percentages.

    The time is at most the product of their sizes.
    """
    if first.kind != second.kind or first.text != second.text or len(first.parts) != len(second.parts):
        return False
    if first.kind == "number":
        is_one_percent = first.is_percent != second.is_percent
        ratio = Fraction(1, 100) if first.is_percent else Fraction(100)
        return first.number == second.number or (is_one_percent and first.number * ratio == second.number)
    if first.kind != "unordered":
        return all(map(are_equal, first.parts, second.parts))
    left = list(second.parts)
    for part in first.parts:
        place = next((index for index, other in enumerate(left) if are_equal(part, other)), None)
        if place is None:
            return False
        del left[place]
    return True
