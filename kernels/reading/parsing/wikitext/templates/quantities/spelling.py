"""Numbers in words, and in Roman figures."""

import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}
MAX_ROMAN = 3999
_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
    (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


def spelled(text: str) -> str | None:
    """Return a whole number below a million in words: forty-two, one hundred and seven; None for all others."""
    digits = text.replace(",", "")
    if not digits.isdecimal() or len(digits) > 6:
        return None
    return _words(int(digits))


def spelled_ordinal(text: str) -> str | None:
    """Return a whole number below a million as an ordinal in words: third, twenty-first, one hundredth."""
    words = spelled(text)
    if words is None:
        return None
    last = re.split(r"[ -]", words)[-1]
    ending = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return words.removesuffix(last) + ending


def _words(value: int) -> str:
    if value < 20:
        return _SMALL[value]
    if value < 100:
        tens = _TENS[value // 10 - 2]
        return f"{tens}-{_SMALL[value % 10]}" if value % 10 else tens
    if value < 1000:
        hundreds = f"{_SMALL[value // 100]} hundred"
        return f"{hundreds} and {_words(value % 100)}" if value % 100 else hundreds
    thousands, rest = f"{_words(value // 1000)} thousand", value % 1000
    if not rest:
        return thousands
    return f"{thousands} {'and ' if rest < 100 else ''}{_words(rest)}"


def _in_words(call: Arguments) -> str | None:
    """{{spellnum|42}}."""
    return spelled(call.first)


def _roman(call: Arguments) -> str | None:
    """{{Roman|19}}: XIX."""
    if not re.fullmatch(r"[1-9]\d{0,3}", call.first) or int(call.first) > MAX_ROMAN:
        return None
    rest, shown = int(call.first), ""
    for value, sign in _ROMAN:
        shown += sign * (rest // value)
        rest %= value
    return shown


def _ordinal_in_words(call: Arguments) -> str | None:
    """{{ordinal to word|3}}."""
    return spelled_ordinal(call.first)


RENDERERS = (
    dict.fromkeys(("spellnum", "spell number", "number to word", "numtext", "cardinal to word"), _in_words)
    | dict.fromkeys(("ordinal to word", "spell ordinal"), _ordinal_in_words)
    | dict.fromkeys(("roman", "roman numeral"), _roman)
)
"""Renderers by the name of a template in lower case."""
