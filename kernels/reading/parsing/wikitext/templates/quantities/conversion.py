"""``{{convert|6|ft|4|in|m}}``: quantities with their value in other units, computed and rounded as the template says.

The form and the rounding are documented at https://en.wikipedia.org/wiki/Template:Convert and https://en.wikipedia.org/wiki/Help:Convert: what
is converted keeps the precision of what is given, and at least two significant figures (temperatures three, in kelvin); the values of a range
are as precise as the most precise of them. A call that is not understood in all its parts gives None.
"""

import math
import re
from decimal import Decimal
from typing import NamedTuple

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.quantities.forms import JOINTS, Form, Side, write
from kernels.reading.parsing.wikitext.templates.quantities.numbers import as_text, grouped, rounded
from kernels.reading.parsing.wikitext.templates.quantities.units import COMPOSITES, Unit, converted, unit
from kernels.reading.parsing.wikitext.templates.quantities.values import Quantity, quantity

MAX_RANGE = 12
"""Values of one range; a list of more is none that an article holds."""

_MORE_PRECISE = frozenset(("ft", "lb"))
"""Units that a whole number is converted to with the precision of its own unit, so that 123 m are 404 ft."""
_STEPS = frozenset(("0.5", "5", "10", "25", "50"))
_FUDGE = 1e-14
_MAX_DECIMALS = 12


class _Given(NamedTuple):
    """What is converted: values with the words between them, their unit, and the parts of a value in several units."""

    quantities: list[Quantity]
    joints: list[str]
    unit: Unit
    parts: tuple[tuple[Quantity, Unit], ...] = ()


class _Target(NamedTuple):
    """A unit to convert to, with its code: one, or several that are written one behind the other."""

    units: tuple[Unit, ...]
    codes: tuple[str, ...]


def convert(call: Arguments) -> str | None:
    """Return what a call of ``{{convert}}`` shows, None where a part of it is not understood."""
    form = Form.of(call)
    given = _given(call.values)
    if form is None or given is None:
        return None
    source, place = given
    targets, place = _targets(source, call.values, place)
    precision, words = _rest(call.values[place:])
    if targets is None or words is None or (words and not form.takes_words):
        return None
    try:
        sides = [_target_side(source, target, precision, call) for target in targets]
    except (ArithmeticError, ValueError):  # no logarithm, no finite value
        return None
    given_side = _source_side(source)
    if call.get("comma").lower() == "off":
        given_side = given_side._replace(numbers=[text.replace(",", "") for text in given_side.numbers])
    return write(given_side, sides, words, form)


def _given(values: list[str]) -> tuple[_Given, int] | None:
    """Return what is converted and where the rest of the call begins."""
    first = quantity(values[0]) if values else None
    if first is None:
        return None
    quantities, joints = [first], list[str]()
    place = 1
    while place + 1 < len(values) and len(quantities) < MAX_RANGE:
        following = quantity(values[place + 1])
        if values[place] not in JOINTS or following is None:
            break
        joints.append(values[place])
        quantities.append(following)
        place += 2
    source = unit(values[place]) if place < len(values) else None
    if source is None:
        return None
    if joints:
        return _Given(quantities, joints, source), place + 1
    return _composed(first, source, values, place + 1)


def _composed(first: Quantity, source: Unit, values: list[str], place: int) -> tuple[_Given, int]:
    """Return a value with what follows it in smaller units (6 ft 4 in) as one value in the smallest, and where the rest begins."""
    parts = [(first, source)]
    while place + 1 < len(values) and (part := quantity(values[place])) and (smaller := unit(values[place + 1])):
        if smaller.measure != source.measure or abs(smaller.size) >= abs(parts[-1][1].size):
            break
        parts.append((part, smaller))
        place += 2
    if len(parts) == 1:
        return _Given([first], [], source), place
    last, smallest = parts[-1]
    total = sum(abs(part.value) * each.size for part, each in parts) / smallest.size
    whole = Quantity(-total if first.shown.startswith("-") else total, "", max(last.precision, 0), last.denominator)
    return _Given([whole], [], smallest, tuple(parts)), place


def _targets(source: _Given, values: list[str], place: int) -> tuple[list[_Target] | None, int]:
    """Return the units to convert to and where the rest of the call begins; None where one is not known."""
    code = values[place] if place < len(values) else ""
    if code and quantity(code) is None:
        place += 1
    else:
        place += not code and place < len(values)
        code = _default(source)
    if whole := _target(code, source.unit.measure):
        return [whole], place
    targets = [_target(each, source.unit.measure) for each in re.split(r"[ +]+", code.replace("L/100 km", "L/100km"))]
    known = [target for target in targets if target is not None]
    return (known if len(known) == len(targets) else None), place


def _target(code: str, measure: str) -> _Target | None:
    codes = COMPOSITES.get(code, (code,))
    units = [unit(each) for each in codes]
    known = tuple(each for each in units if each is not None and each.measure == measure)
    return _Target(known, codes) if len(known) == len(codes) else None


def _default(source: _Given) -> str:
    """Return the code of the unit that a value is converted to where the call names none."""
    value, symbol = abs(source.quantities[0].value), source.unit.symbol
    if source.parts:
        return {"length": "km" if source.parts[0][1].symbol == "mi" else "m", "mass": "kg"}.get(source.unit.measure, source.unit.default)
    if symbol == "m" and value < 3:
        return "ftin"
    return source.unit.default


def _rest(values: list[str]) -> tuple[int | None, list[str] | None]:
    """Return the decimals that a call asks for, and the words that it puts in (``adj=mid|long``); None for words where it has too many."""
    precision: int | None = None
    words: list[str] = []
    for value in values:
        if precision is None and re.fullmatch(r"-?\d{1,2}", value):
            precision = int(value)
        elif value:
            words.append(value)
    return precision, words if len(words) < 3 else None


def _source_side(source: _Given) -> Side:
    if source.parts:
        return Side([], [], source.unit, is_one=False, parts=tuple((part.shown, each) for part, each in source.parts))
    last = source.quantities[-1]
    is_one = len(source.quantities) == 1 and (abs(last.value) == 1 or bool(last.denominator and abs(last.value) < 1))
    return Side([each.shown for each in source.quantities], source.joints, source.unit, is_one)


def _target_side(source: _Given, target: _Target, precision: int | None, call: Arguments) -> Side:
    """Return the values of a source in the unit of a target, all of a range with the decimals of the most precise."""
    smallest = target.units[-1]
    results = [converted(each.value, source.unit, smallest) for each in source.quantities]
    if precision is None:
        precision = max(_precision(given, result, source, target) for given, result in zip(source.quantities, results, strict=True))
    if len(target.units) > 1:
        return _composite(results[0], target, max(precision, 0))
    texts = [_number(result, precision, call) for result in results]
    return Side(texts, source.joints, smallest, is_one=len(texts) == 1 and re.fullmatch(r"-?1(\.0+)?", texts[0]) is not None)


def _precision(given: Quantity, result: float, source: _Given, target: _Target) -> int:
    """Return the decimals that a converted value is shown with by default."""
    decimals = max(math.log10(given.denominator), 1) if given.denominator else given.precision
    if source.unit.measure == "temperature":
        kelvin = abs((given.value + source.unit.offset) * source.unit.size)
        return max(math.floor(decimals), 2 - math.floor(math.log10(kelvin) + _FUDGE) if kelvin >= 1e-8 else 2)
    result = abs(result)
    if given.value == 0 or result == 0:
        return 0
    if target.codes[-1] in _MORE_PRECISE and given.value == int(given.value) and not source.parts:
        gain = -math.log10(abs(source.unit.size))
    elif source.parts and source.unit.symbol == "in":
        gain = math.log10(abs(target.units[-1].size)) + 2
    else:
        gain = math.log10(abs(given.value) / result)
    return max(math.floor(decimals + gain + math.log10(2)), 1 - math.floor(math.log10(result) + _FUDGE))


def _number(value: float, precision: int, call: Arguments) -> str:
    """Return a converted value in digits, rounded as the call asks for."""
    exact = Decimal(repr(value))
    separator = {"off": "", "gaps": " "}.get(call.get("comma").lower(), ",")
    figures, step, denominator = call.get("sigfig"), call.get("round"), call.get("frac")
    if figures.isdecimal() and value:
        return as_text(exact, int(figures[:2]) - 1 - math.floor(math.log10(abs(value)) + _FUDGE), separator)
    if step in _STEPS:
        nearest = rounded(exact / Decimal(step), 0) * Decimal(step)
        return as_text(nearest, 0 if nearest == int(nearest) else 1, separator)
    if denominator.isdecimal() and 1 < int(denominator[:4]) < 1000:
        return _as_fraction(value, int(denominator[:4]), separator)
    return as_text(exact, min(precision, _MAX_DECIMALS), separator)


def _as_fraction(value: float, denominator: int, separator: str) -> str:
    """Return a value to the nearest fraction of a denominator: 2 3/8."""
    whole, above = divmod(math.floor(abs(value) * denominator + 0.5), denominator)
    shared = math.gcd(above, denominator)
    parts = [grouped(str(whole), separator)] if whole or not above else []
    parts += [f"{above // shared}/{denominator // shared}"] if above else []
    return ("-" if value < 0 and (whole or above) else "") + " ".join(parts)


def _composite(value: float, target: _Target, precision: int) -> Side:
    """Return a value in several units, the last of them rounded: 6 ft 4 in."""
    rest = rounded(Decimal(repr(abs(value))), precision)
    parts: list[tuple[str, Unit]] = []
    for larger in target.units[:-1]:
        ratio = Decimal(repr(round(larger.size / target.units[-1].size, 9)))
        count = rest // ratio
        rest -= count * ratio
        if count or parts:
            parts.append((as_text(count, 0), larger))
    parts.append((as_text(rest, precision), target.units[-1]))
    parts[0] = (f"{'-' if value < 0 else ''}{parts[0][0]}", parts[0][1])
    return Side([], [], target.units[-1], is_one=False, parts=tuple(parts))
