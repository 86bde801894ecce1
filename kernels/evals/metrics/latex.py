r"""LaTeX of a short answer in one spelling: what only looks different becomes equal, and nothing is computed.

In the spirit of the rules by which MATH's answers are compared (Hendrycks et al. 2021, arXiv 2103.03874) and of those that Lewkowycz et al. added
(2022, arXiv 2206.14858, appendix G): space, ``\left`` and ``\right``, spellings of fractions and roots, units, degrees and dollars go away.
"""

import re
from typing import NamedTuple


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    to: str


def _rule(pattern: str, to: str = "") -> _Rule:
    return _Rule(re.compile(pattern), to)


_UNIT = (
    r"(?:(?:square|cubic|sq)\.?\s*)?(?:degree|radian|unit|cm|mm|km|kg|mph|inch|in\.|feet|foot|ft|yard|mile|meter|metre|centimeter|kilometer|millimeter"
    r"|liter|gram|pound|ounce|ton|second|sec|minute|min|hour|day|week|month|year|dollar|cent|point|way|time|people|student|page|coin)(?:s|es)?"
)
_SPELLINGS = (
    _rule(r"\\left\s*\.|\\right\s*\."),
    _rule(r"\\(?:left|right|displaystyle|[bB]igg?[lrm]?)(?![A-Za-z])"),
    _rule(r"(?<!\\)\\[!,;:>]|\\q?quad(?![A-Za-z])|~"),
    _rule(r"(?<!\\)\\(?=\s)"),
    _rule(r"\\[dtc]frac(?![a-z])", r"\\frac"),
    _rule(r"\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![A-Za-z]))|°|\\degrees?(?![A-Za-z])"),
    _rule(r"\\?\$|(?<!\\)\\[()\[\]]"),
    _rule(r"\{,\}", ","),
    _rule(r"\\%|\s*\bpercent\b", "%"),
    _rule(r"\\(le|ge|ne)q(?![A-Za-z])", r"\\\1"),
    _rule(r"−", "-"),
    _rule(r"π", r"\\pi "),
    _rule(r"√", r"\\sqrt "),
    _rule(r"∞", r"\\infty "),
    _rule(r"\+\s*\\infty", r"\\infty"),
    _rule(r"\\varnothing|∅", r"\\emptyset"),
    _rule(r"∪", r"\\cup "),
)
_TEXT = re.compile(r"\\(text|mbox|mathrm|textrm|textnormal|textbf|textit|mathbf)\s*\{([^{}]*)\}(\s*\^\s*(?:[0-9]|\{[0-9]\}))?")
_NEVER_UNITS = ("textbf", "textit", "mathbf")
_MARK = "\0"
_SPACES = (
    _rule(r"\s(?:or|and)\s", ";"),
    _rule(rf"(?<=[0-9}}])\s*{_UNIT}(?:\s*(?:per|/)\s*{_UNIT})?(?:\s*\^\s*(?:[0-9]|\{{[0-9]\}}))?(?=\s*(?:[,;.]|$))"),
    _rule(r"^\s*[A-Za-z]\s*\\in(?![A-Za-z])"),
    _rule(r"([0-9])\s+([0-9]+)\s*/\s*([0-9]+)", r"\1\\frac{\2}{\3}"),
    _rule(r",\s+", ";"),
    _rule(r"(\\[A-Za-z]+)\s+(?=[A-Za-z])", rf"\1{_MARK}"),
    _rule(r"\s+"),
    _rule(_MARK, " "),
)
_ARGUMENT = re.compile(r"\\[A-Za-z]+|[0-9A-Za-z]")
_LAST = (_rule(r"([\^_])\{([0-9A-Za-z])\}", r"\1\2"), _rule(r"(?<![0-9])\.(?=[0-9])", "0."), _rule(r"[.]+$"))


def normalise(text: str) -> str:
    r"""Return an answer's LaTeX without space and in one spelling.

    ``\text{...}`` behind something is a unit and goes with its exponent; elsewhere its words stay. A comma before space and the words "and" and "or"
    become ``;``: they part a list, where another comma may also part a number's thousands. A percent sign stays, as ``%``.

    The time is at most quadratic in the length.
    """
    text = _replaced(text.replace(_MARK, ""), _SPELLINGS)
    text = _replaced(_TEXT.sub(_without_unit, text).strip(), _SPACES)
    return _replaced(_with_braces(text), _LAST)


def closing(text: str, start: int) -> int | None:
    """Return where the bracket at ``start`` is closed, of whatever kinds brackets are; None where it is not."""
    depth = 0
    for position in range(start, len(text)):
        depth += (text[position] in "([{") - (text[position] in ")]}")
        if depth == 0:
            return position
    return None


def _replaced(text: str, rules: tuple[_Rule, ...]) -> str:
    for pattern, to in rules:
        text = pattern.sub(to, text)
    return text


def _without_unit(found: re.Match[str]) -> str:
    """Return what stands for a group of words: a separator, nothing for a unit, or the words."""
    command, words, exponent = found[1], found[2].strip(), found[3] or ""
    if words in ("or", "and"):
        return ";"
    before = found.string[: found.start()].rstrip()
    is_behind = before != "" and (before[-1].isalnum() or before[-1] in ")]}.")
    return "" if is_behind and command not in _NEVER_UNITS else words + exponent


def _with_braces(text: str) -> str:
    r"""Return LaTeX in which each argument of ``\frac`` and ``\sqrt`` stands in braces, as in ``\frac12``."""
    opens: set[int] = set()
    closes: set[int] = set()
    for command in re.finditer(r"\\(frac|sqrt)", text):
        position: int | None = command.end()
        for _ in range(2 if command[1] == "frac" else 1):
            if text[position : position + 1] == " ":
                position += 1
            if text[position : position + 1] == "{":
                position = closing(text, position)
                if position is None:
                    break
                position += 1
                continue
            argument = _ARGUMENT.match(text, position)
            if argument is None:
                break
            opens.add(position)
            position = argument.end()
            closes.add(position)
    pieces = (("}" if i in closes else "") + ("{" if i in opens else "") + text[i : i + 1] for i in range(len(text) + 1))
    return "".join(pieces).replace(r"\frac {", r"\frac{").replace(r"\sqrt {", r"\sqrt{")
