"""What a sum in dollars of one year is in dollars of another: ``{{inflation|US|800|1861}}``.

The index is the Consumer Price Index of the United States, 1967 = 100, as the Federal Reserve Bank of Minneapolis gives it with its estimates from
1800 on: https://www.minneapolisfed.org/about-us/monetary-policy/inflation-calculator/consumer-price-index-1800-. A sum without a year to be
told in is told in dollars of the year in which the text was written. Other countries' sums are not told.
"""

import re
from decimal import Decimal

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.quantities.numbers import as_text, number

FIRST_YEAR = 1800
_INDEX = [
    Decimal(value)
    for value in """
    51 50 43 45 45 45 47 44 48 47 47 50 51 58 63 55 51 48 46 46 42 40 40 36 33 34 34 34 33 32 32 32 30 29 30 31 33 34 32 32 30 31 29 28 28 28 27
    28 26 25 25 25 25 25 27 28 27 28 26 27 27 27 30 37 47 46 44 42 40 40 38 36 36 36 34 33 32 32 29 28 29 29 29 28 27 27 27 27 27 27 27 27 27 27
    26 25 25 25 25 25 25 25 26 27 27 27 27 28 27 27 28 28 29 29.7 30.1 30.4 32.7 38.5 45.2 52.1 60.2 53.6 50.3 51.2 51.5 52.7 53.2 52.2 51.6
    51.6 50.2 45.7 41 38.9 40.2 41.2 41.7 43.2 42.3 41.8 42.1 44.2 49.1 52 52.9 54.1 58.6 67.1 72.2 71.5 72.3 78 79.8 80.4 80.7 80.5 81.7 84.4
    86.7 87.6 88.9 89.8 90.9 92 93.2 94.7 97.5 100.2 104.5 110.2 116.7 121.7 125.7 133.4 148.2 161.7 171 182.1 196 218.1 247.6 273.2 290 299.3
    312.2 323.2 329.4 341.4 355.4 372.5 392.6 409.3 421.7 434.1 445.4 457.9 471.3 482.4 489.8 500.6 517.5 532.1 540.5 552.8 567.6 586.9 605.8
    623.1 647 644.7 655.3 676 689.9 700 711.4 712.3 721.2 736.6 754.6 768.3 777.7 814.3 879.4 915.6 944.9
    """.split()  # noqa: SIM905
]
"""The index by year, from `FIRST_YEAR` on."""
LAST_YEAR = FIRST_YEAR + len(_INDEX) - 1
_PLACES = frozenset(("us", "usa"))
_YEAR = re.compile(r"\d{4}")


def _index(year: int) -> Decimal | None:
    return _INDEX[year - FIRST_YEAR] if FIRST_YEAR <= year <= LAST_YEAR else None


def _last_year(call: Arguments) -> int | None:
    """Return the year that a sum is told in: the last that the index holds at the time of the text."""
    return min(call.wiki.day.year, LAST_YEAR) if call.wiki.day else None


def _inflation(call: Arguments) -> str | None:
    """{{inflation|US|800|1861|1900|r=-2|fmt=eq}}."""
    amount, start = number(call.value(2)), call.value(3)
    end = call.value(4) or str(_last_year(call) or "")
    if call.value(1).lower() not in _PLACES or amount is None or not _YEAR.fullmatch(start) or not _YEAR.fullmatch(end):
        return None
    before, after = _index(int(start)), _index(int(end))
    decimals = call.get("r") or "0"
    if before is None or after is None or not re.fullmatch(r"-?\d", decimals):
        return None
    form = call.get("fmt").lower()
    shown = as_text(amount * after / before, int(decimals), "," if form in ("c", "eq") else "")
    return f"equivalent to {call.get('cursign') or '$'}{shown} in {end}" if form == "eq" else shown


def _inflation_year(call: Arguments) -> str | None:
    """{{inflation/year|US}}."""
    year = _last_year(call) if call.value(1).lower() in _PLACES else None
    return str(year) if year else None


RENDERERS = {"inflation": _inflation, "inflation-year": _inflation_year, "inflation/year": _inflation_year}
"""Renderers by the name of a template in lower case."""
