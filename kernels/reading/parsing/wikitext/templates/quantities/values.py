"""Quantities as ``{{convert}}`` takes them: numbers with commas, decimals, powers of ten, or fractions."""

import re
from typing import NamedTuple

from kernels.reading.parsing.wikitext.templates.quantities.numbers import grouped, number

MAX_VALUE = 1e40
"""No quantity of an article is larger."""

_FRACTION = re.compile(r"(-?)(?:(\d[\d,]*)(?:\+|[ ]|\u2064))?(\d+)(?:/|//|\u2044)(\d+)")
_DIGITS = re.compile(r"(\d*)(\.?)(\d*)(?:[eE]([-+]?\d+))?")
_TYPE = re.compile(r"</?small>|''+")
_MAX_DIGITS = 9


class Quantity(NamedTuple):
    """One value as it is given: its number, how it is shown, its decimals (negative for closing zeros), and the denominator of its fraction."""

    value: float
    shown: str
    precision: int
    denominator: int = 0


def quantity(text: str) -> Quantity | None:
    """Return a value as ``{{convert}}`` takes it: 1,234.5, -5, 1.2e6, 3/4, 2+1/2."""
    text = text.strip().replace("\u2212", "-").replace("&minus;", "-").replace("\u2009", "").replace("&nbsp;", " ")
    text = _TYPE.sub("", text)
    if fraction := _FRACTION.fullmatch(text):
        sign, whole, above, below = fraction.groups()
        if int(below) == 0 or max(len(below), len(above), len(whole or "")) > _MAX_DIGITS:
            return None
        value = int((whole or "0").replace(",", "")) + int(above) / int(below)
        shown = f"{sign}{whole + ' ' if whole else ''}{above}/{below}"
        return Quantity(-value if sign else value, shown, 0, int(below))
    value = number(text)
    if value is None or abs(value) > MAX_VALUE:
        return None
    plain = text.replace(",", "").lstrip("+-")
    digits = _DIGITS.fullmatch(plain)
    if not digits:
        return None
    whole, point, decimals, exponent = digits.groups()
    precision = (len(decimals) if point else len(whole.rstrip("0")) - len(whole)) - int(exponent or 0)
    shown = f"{grouped(whole or '0')}{point}{decimals}" + (f"\u00d710^{int(exponent)}" if exponent else "")
    return Quantity(float(value), ("-" if value < 0 else "") + shown, precision)
