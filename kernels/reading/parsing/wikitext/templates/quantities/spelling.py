"""Numbers in words."""

import re

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}


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
