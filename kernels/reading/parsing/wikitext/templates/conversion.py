"""``{{convert|6|ft|4|in|m}}``: quantities with their value in other units, computed and rounded as the template says.

The form and the rounding are documented at https://en.wikipedia.org/wiki/Template:Convert and
https://en.wikipedia.org/wiki/Help:Convert: what is converted keeps the precision of what is given, and at least two significant figures
(temperatures three, in kelvin). A call that is not understood in all its parts gives None.
"""

import math
import re
from decimal import Decimal
from typing import NamedTuple

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.numbers import as_text, grouped, number, rounded
from kernels.reading.parsing.wikitext.templates.spelling import spelled
from kernels.reading.parsing.wikitext.templates.units import COMPOSITES, Unit, converted, unit

MAX_RANGE = 12
"""Values of one range; a list of more is none that an article holds."""

_JOINTS = {
    "to": " to ", "and": " and ", "or": " or ", "-": "\u2013", "\u2013": "\u2013", "&ndash;": "\u2013", "to(-)": " to ", "and(-)": " and ", "or(-)": " or ", "by": " by ", "x": " by ", "xx": " \u00d7 ", "*": " \u00d7 ", "\u00d7": " by ", "by(x)": " by ",
    "+/-": " \u00b1 ", "\u00b1": " \u00b1 ", "&plusmn;": " \u00b1 ", ",": ", ", ", and": ", and ", ", or": ", or ", "to about": " to about ", "to about(-)": " to about ", "and about": " and about ", "+": " + ", "/": "/", "till": " till ", "until": " until ", "through": " through ",
}  # fmt: skip
_SHORT_JOINTS = _JOINTS | {"to(-)": "\u2013", "and(-)": "\u2013", "or(-)": "\u2013", "by(x)": " \u00d7 ", "x": " \u00d7 ", "\u00d7": " \u00d7 ", "to about(-)": "\u2013"}
_ADJECTIVE_JOINTS = _JOINTS | dict.fromkeys(("by", "x", "\u00d7", "by(x)"), "-by-") | dict.fromkeys(("to", "to(-)"), "-to-")
_TIMES = frozenset(("x", "xx", "*", "\u00d7", "by(x)"))
_FRACTION = re.compile(r"(-?)(?:(\d[\d,]*)(?:\+|[ ]|\u2064))?(\d+)(?:/|//|\u2044)(\d+)")
_DIGITS = re.compile(r"(\d*)(\.?)(\d*)(?:[eE]([-+]?\d+))?")
_WORDS_OF_DISPLAY = frozenset(("or", "x", "comma", "sqbr", "br", "br()", "slash", "semicolon", "s", "b", "/", "tablecen", "table", "sqbr", "out", "output only", "output number only", "number", "preunit", "flip", "unit", "unit2", "|", "5"))  # fmt: skip
_MULTIPLES = {"k": 3}
_IN_FULL = ("off", "none")
_WITH_INCHES = "in"
_MORE_PRECISE = frozenset(("ft", "lb"))


class Quantity(NamedTuple):
    """One value as it is given: its number, how it is shown, its decimals (negative for closing zeros), and the denominator of its fraction."""

    value: float
    shown: str
    precision: int
    denominator: int = 0


class _Given(NamedTuple):
    """What is converted: values with the words between them, their unit, and the parts of a value in several units."""

    quantities: list[Quantity]
    joints: list[str]
    unit: Unit
    parts: tuple[tuple[Quantity, Unit], ...] = ()


def quantity(text: str) -> Quantity | None:
    """Return a value as ``{{convert}}`` takes it: 1,234.5, -5, 1.2e6, 3/4, 2+1/2."""
    text = text.strip().replace("\u2212", "-").replace("&minus;", "-").replace("\u2009", "").replace("&nbsp;", " ")
    text = re.sub(r"</?small>|''+", "", text)
    if fraction := _FRACTION.fullmatch(text):
        sign, whole, above, below = fraction.groups()
        if int(below) == 0 or len(below) > 6 or len(above) > 9 or len(whole or "") > 12:
            return None
        value = int((whole or "0").replace(",", "")) + int(above) / int(below)
        shown = f"{sign}{whole + ' ' if whole else ''}{above}/{below}"
        return Quantity(-value if sign else value, shown, 0, int(below))
    value = number(text)
    if value is None or abs(value) > 1e40:
        return None
    plain = text.replace(",", "").lstrip("+-")
    digits = _DIGITS.fullmatch(plain)
    if not digits:
        return None
    whole, point, decimals, exponent = digits.groups()
    precision = (len(decimals) if point else len(whole.rstrip("0")) - len(whole)) - int(exponent or 0)
    shown = f"{grouped(whole or '0')}{point}{decimals}" + (f"\u00d710^{int(exponent)}" if exponent else "")
    return Quantity(float(value), ("-" if value < 0 else "") + shown, precision)


def convert(call: Arguments) -> str | None:
    """Return what a call of ``{{convert}}`` shows, None where a part of it is not understood."""
    given = _given(call.values)
    if given is None:
        return None
    source, place = given
    targets, place = _targets(source, call.values, place)
    if targets is None:
        return None
    precision, words = _rest(call.values[place:])
    if words is None:
        return None
    form = _Form.of(call)
    if form is None:
        return None
    try:
        return _written(source, targets, precision, words, form, call)
    except (OverflowError, ZeroDivisionError, ValueError, ArithmeticError):
        return None


def _given(values: list[str]) -> tuple[_Given, int] | None:
    """Return what is converted and where the rest of the call begins."""
    first = quantity(values[0]) if values else None
    if first is None:
        return None
    quantities, joints = [first], list[str]()
    place = 1
    while place + 1 < len(values) and len(quantities) < MAX_RANGE:
        joint = values[place].strip()
        following = quantity(values[place + 1])
        if joint not in _JOINTS or following is None:
            break
        joints.append(joint)
        quantities.append(following)
        place += 2
    code = values[place] if place < len(values) else ""
    source = unit(code)
    if source is None:
        return None
    parts = [(first, source)]
    place += 1
    while not joints and place + 1 < len(values) and (part := quantity(values[place])) and (smaller := unit(values[place + 1])):
        if smaller.measure != source.measure or abs(smaller.size) >= abs(parts[-1][1].size):
            break
        parts.append((part, smaller))
        place += 2
    if len(parts) == 1:
        return _Given(quantities, joints, source), place
    last = parts[-1]
    sign = -1 if first.shown.startswith("-") else 1
    total = sign * sum(abs(part.value) * each.size for part, each in parts) / last[1].size
    precision = max(last[0].precision, 0)
    whole = Quantity(total, "", precision, last[0].denominator)
    return _Given([whole], [], last[1], tuple(parts)), place


class _Target(NamedTuple):
    """A unit to convert to: one, or several that are written one behind the other; and the denominator of its fraction."""

    units: tuple[Unit, ...]
    codes: tuple[str, ...]


def _target(code: str, measure: str) -> _Target | None:
    codes = COMPOSITES.get(code, (code,))
    units = [unit(each) for each in codes]
    known = tuple(each for each in units if each is not None and each.measure == measure)
    return _Target(known, codes) if len(known) == len(codes) else None


def _targets(source: _Given, values: list[str], place: int) -> tuple[list[_Target] | None, int]:
    """Return the units to convert to and where the rest of the call begins; None where one is not known."""
    code = values[place].strip() if place < len(values) else ""
    measure = source.unit.measure
    if code and quantity(code) is None:
        place += 1
    else:
        place += not code and place < len(values)
        code = _default(source)
    if whole := _target(code, measure):
        return [whole], place
    targets = [_target(each, measure) for each in re.split(r"[ +]+", code.replace("L/100 km", "L/100km"))]
    known = [target for target in targets if target is not None]
    return (known if known and len(known) == len(targets) else None), place


def _default(source: _Given) -> str:
    """Return the code of the unit that a value is converted to where the call names none."""
    value, symbol = abs(source.quantities[0].value), source.unit.symbol
    if source.parts:
        measure_defaults = {"length": "km" if source.parts[0][1].symbol == "mi" else "m", "mass": "kg"}
        return measure_defaults.get(source.unit.measure, source.unit.default)
    if symbol == "m" and value < 3:
        return "ftin"
    if symbol == "in":
        return "cm" if value >= 4 and source.quantities[0].precision <= 0 else "mm"
    if symbol == "ha" and value >= 1e6:
        return "sqmi"
    return source.unit.default


def _rest(values: list[str]) -> tuple[int | None, list[str] | None]:
    """Return the decimals that a call asks for, and the words that it puts between (``adj=mid|long``); None for words where it has too many."""
    values = [value.strip() for value in values]
    precision: int | None = None
    words: list[str] = []
    for value in values:
        if precision is None and re.fullmatch(r"-?\d{1,2}", value):
            precision = int(value)
        elif value:
            words.append(value)
    return precision, words if len(words) < 3 else None


class _Form(NamedTuple):
    """How a call is written: names or symbols, as an adjective, with what between value and converted value, in whose spelling."""

    is_source_short: bool
    is_target_short: bool
    is_in_full: bool
    is_adjective: bool
    takes_words: bool
    is_flipped: bool
    is_american: bool
    shows: str
    joint: tuple[str, str]
    spelling: str

    @classmethod
    def of(cls, call: Arguments) -> "_Form | None":
        short = call.get("abbr").lower() or ("on" if call.name.startswith("cvt") else "out")
        adjective, display = call.get("adj").lower(), call.get("disp").lower()
        if short in ("values", "unit", "mos") or (display and display not in _WORDS_OF_DISPLAY) or call.get("input", "qid", "property"):
            return None
        joints = {
            "or": (" or ", ""), "comma": (", ", ""), "sqbr": (" [", "]"), "br": ("\n", ""), "br()": ("\n(", ")"), "slash": (" / ", ""), "/": (" / ", ""), "s": (" / ", ""), "semicolon": ("; ", ""), "b": (" (", ")"),
        }  # fmt: skip
        shows = {"out": "target", "output only": "target", "output number only": "target number", "number": "target number"}.get(display, "both")
        if display in ("x", "preunit", "unit", "unit2", "|", "5", "table", "tablecen"):
            return None
        return cls(
            is_source_short=short in ("on", "in"),
            is_target_short=short in ("on", "out"),
            is_in_full=short in _IN_FULL,
            is_adjective=adjective in ("on", "mid", "1") or call.says("sing"),
            takes_words=adjective in ("mid", "pre"),
            is_flipped=call.get("order").lower() == "flip" or display == "flip",
            is_american=call.get("sp").lower() == "us" or call.get("spell").lower().endswith("us"),
            shows=shows,
            joint=joints.get(display, (" (", ")")),
            spelling=call.get("spell"),
        )


class _Shown(NamedTuple):
    """A side of a conversion: the numbers, with words between them, and a unit; or a value in several units."""

    numbers: list[str]
    joints: list[str]
    unit: Unit
    is_one: bool
    parts: tuple[tuple[str, Unit], ...] = ()


def _written(source: _Given, targets: list[_Target], precision: int | None, words: list[str], form: _Form, call: Arguments) -> str | None:
    if words and not form.takes_words:
        return None
    left = _source_side(source)
    rights = [_target_side(source, target, precision, call) for target in targets]
    before = ""
    behind = ""
    if form.takes_words and words:
        if call.get("adj").lower() == "pre":
            before = f"{words[0]} "
        else:
            behind = words[0] if words[0].startswith("-") else f" {words[0]}"
    spell_first, spell_second = form.spelling.lower() in ("in", "on"), form.spelling.lower() == "on"
    if form.is_flipped:
        first = "; ".join(_side(right, form, is_short=form.is_source_short, behind=behind, before=before, is_spelled=spell_first, case=form.spelling) for right in rights)
        second = _side(left, form, is_short=form.is_target_short, behind="", before="", is_spelled=spell_second, case="")
    else:
        first = _side(left, form, is_short=form.is_source_short, behind=behind, before=before, is_spelled=spell_first, case=form.spelling)
        second = "; ".join(_side(right, form, is_short=form.is_target_short, behind="", before="", is_spelled=spell_second, case="") for right in rights)
    if form.shows == "target number":
        return "".join(rights[0].numbers) if len(rights) == 1 and not rights[0].joints and not rights[0].parts else None
    if form.shows == "target":
        is_short = call.get("abbr").lower() == "on" or call.name.startswith("cvt")
        return "; ".join(_side(right, form, is_short=is_short, behind=behind, before="", is_spelled=False, case="") for right in rights)
    return f"{first}{form.joint[0]}{second}{form.joint[1]}"


def _source_side(source: _Given) -> _Shown:
    if source.parts:
        parts = tuple((part.shown, each) for part, each in source.parts)
        return _Shown([], [], source.unit, is_one=False, parts=parts)
    return _Shown(
        [each.shown for each in source.quantities], source.joints, source.unit, is_one=len(source.quantities) == 1 and abs(source.quantities[0].value) in (1,) or _is_part_of_one(source)
    )


def _is_part_of_one(source: _Given) -> bool:
    """Return whether a single fraction below one is given, which takes the singular: 1/2 mile."""
    first = source.quantities[-1]
    return bool(first.denominator) and abs(first.value) <= 1 and len(source.quantities) == 1


def _target_side(source: _Given, target: _Target, precision: int | None, call: Arguments) -> _Shown:
    """Return the values of a source in the unit of a target, all of a range with the decimals of the most precise."""
    smallest = target.units[-1]
    results = [converted(each.value, source.unit, smallest) for each in source.quantities]
    if precision is None:
        precision = max(_precision(given, result, source, target) for given, result in zip(source.quantities, results, strict=True))
    if len(target.units) > 1:
        return _composite(results[0], target, max(precision, 0))
    texts = [_number(result, precision, call) for result in results]
    return _Shown(texts, source.joints, smallest, is_one=len(texts) == 1 and texts[0].lstrip("-") in ("1", "1.0", "1.00"))


def _number(value: float, precision: int, call: Arguments) -> str:
    """Return a converted value in digits, as the call asks for it to be rounded."""
    exact = Decimal(repr(value))
    separator = {"off": "", "gaps": " "}.get(call.get("comma").lower(), ",")
    if call.get("comma").lower() == "5" and abs(value) < 10_000:
        separator = ""
    if call.get("sigfig").isdecimal() and value:
        return as_text(exact, int(call.get("sigfig")[:2]) - 1 - math.floor(math.log10(abs(value)) + 1e-14), separator)
    step = call.get("round")
    if step in ("5", "10", "25", "50", "0.5"):
        size = Decimal(step)
        return as_text(rounded(exact / size, 0) * size, 1 if step == "0.5" and rounded(exact / size, 0) % 2 else 0, separator)
    denominator = call.get("frac")
    if denominator.isdecimal() and 1 < int(denominator[:4]) < 1000:
        return _as_fraction(value, int(denominator[:4]), separator)
    return as_text(exact, min(precision, 12), separator)


def _as_fraction(value: float, denominator: int, separator: str) -> str:
    """Return a value to the nearest fraction of a denominator: 2 3/8."""
    total = math.floor(abs(value) * denominator + 0.5)
    whole, above = divmod(total, denominator)
    sign = "-" if value < 0 and total else ""
    if not above:
        return f"{sign}{grouped(str(whole), separator)}"
    shared = math.gcd(above, denominator)
    part = f"{above // shared}/{denominator // shared}"
    return f"{sign}{grouped(str(whole), separator)} {part}" if whole else f"{sign}{part}"


def _composite(value: float, target: _Target, precision: int) -> _Shown:
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
    if value < 0:
        parts[0] = ("-" + parts[0][0], parts[0][1])
    return _Shown([], [], target.units[-1], is_one=False, parts=tuple(parts))


def _precision(given: Quantity, result: float, source: _Given, target: _Target) -> int:
    """Return the decimals that a converted value is shown with by default."""
    decimals = max(math.log10(given.denominator), 1) if given.denominator else given.precision
    if source.unit.measure == "temperature":
        kelvin = abs((given.value + source.unit.offset) * source.unit.size)
        least = 2 if kelvin < 1e-8 else 2 - math.floor(math.log10(kelvin) + 1e-14)
        return max(math.floor(decimals), least)
    result = abs(result)
    if given.value == 0 or result == 0:
        return 0
    size = abs(source.unit.size)
    unit_of_target = target.units[-1]
    if target.codes[-1] in _MORE_PRECISE and given.value == int(given.value) and not source.parts:
        gain = -math.log10(size)
    elif source.parts and source.unit.symbol == _WITH_INCHES:
        gain = math.log10(abs(unit_of_target.size)) + 2
    else:
        gain = math.log10(abs(given.value) / result)
    return max(math.floor(decimals + gain + math.log10(2)), 1 - math.floor(math.log10(result) + 1e-14))


def _side(shown: _Shown, form: _Form, *, is_short: bool, behind: str, before: str, is_spelled: bool, case: str) -> str:
    """Return one side of a conversion with its unit as a name or a symbol, as an adjective where the form asks for one."""
    is_short = is_short or (shown.unit.measure.startswith("temperature") and not form.is_in_full)
    is_adjective = form.is_adjective and not is_short
    if shown.parts:
        gap, between = ("-", "-") if is_adjective else (" ", " ")
        is_ones = [text.lstrip("-") == "1" for text, _ in shown.parts]
        texts = [f"{_word(text, is_spelled, case if not place else case.lower())}{gap}{_name(each, is_short, is_one or is_adjective, form)}" for place, ((text, each), is_one) in enumerate(zip(shown.parts, is_ones, strict=True))]
        return before + between.join(texts) + behind
    name = before + _name(shown.unit, is_short, shown.is_one or is_adjective, form)
    joints = _SHORT_JOINTS if is_short else _ADJECTIVE_JOINTS if is_adjective else _JOINTS
    numbers = [_word(text, is_spelled, case if not place else case.lower()) for place, text in enumerate(shown.numbers)]
    gap = "" if shown.unit.symbol.startswith("/") and is_short or shown.unit.power and is_short else "-" if is_adjective else " "
    if is_short and any(joint in _TIMES for joint in shown.joints):
        numbers = [f"{text}{gap}{name}" for text in numbers[:-1]] + numbers[-1:]
    text = numbers[0] + "".join(joints[joint] + each for joint, each in zip(shown.joints, numbers[1:], strict=True))
    if is_adjective and not shown.unit.power:
        name = name.replace(" ", "-") if not before else name
    elif is_adjective:
        name = name.replace(" ", "-")
    return f"{text}{gap}{name}{behind}"


def _word(text: str, is_spelled: bool, case: str) -> str:
    """Return a number in words where they are asked for and known."""
    if not is_spelled:
        return text
    word = spelled(text)
    return text if word is None else word.capitalize() if case[:1].isupper() else word


def _name(of: Unit, is_short: bool, is_one: bool, form: _Form) -> str:
    if is_short and of.symbol:
        return re.sub(r"(?<=[A-Za-z])([23])(?=$|/)", r"^\1", of.symbol)
    name = of.singular if is_one else of.plural
    return name.replace("metre", "meter").replace("litre", "liter") if form.is_american else name


def _height(call: Arguments) -> str | None:
    """{{height|ft=6|in=4}}, {{height|m=1.80}}."""
    precision = [call.get("precision")] if call.get("precision") else []
    if call.get("ft"):
        values = [call.get("ft"), "ft", *([call.get("in"), "in"] if call.get("in") else []), "cm" if call.get("out") == "cm" else "m"]
    elif call.get("in"):
        values = [call.get("in"), "in", "m"]
    elif call.get("m"):
        values = [call.get("m"), "m", "ftin"]
    elif call.get("cm"):
        values = [call.get("cm"), "cm", "ftin"]
    else:
        return None
    return convert(call._replace(name="cvt", values=values + precision, named={}))


def _population_density(call: Arguments) -> str | None:
    """{{pop density|people|area|unit|unit|prec=}}: people by area, and the same in another unit."""
    people, area = number(call.value(1)), number(call.value(2))
    source = {"km2": "PD/km2", "sqkm": "PD/km2", "sqmi": "PD/sqmi", "mi2": "PD/sqmi", "ha": "PD/ha", "acre": "PD/acre"}
    given, wanted = source.get(call.value(3)), source.get(call.value(4) or {"km2": "sqmi", "sqmi": "km2"}.get(call.value(3), ""))
    if people is None or not area or given is None or wanted is None:
        return None
    density = people / area
    decimals = int(call.get("prec")) if re.fullmatch(r"\d", call.get("prec")) else max(0, 1 - math.floor(math.log10(density))) if 0 < density < 10 else 0
    values = [as_text(density, decimals, ""), given, wanted, *([str(decimals)] if call.get("prec") else [])]
    return convert(call._replace(name="convert", values=values, named={key: value for key, value in call.named.items() if key == "abbr"}))


_GAUGES = {
    "1435": "4 ft 8 1/2 in", "1000": "3 ft 3 3/8 in", "1067": "3 ft 6 in", "1520": "4 ft 11 27/32 in", "1524": "5 ft", "1600": "5 ft 3 in", "1668": "5 ft 5 21/32 in", "1676": "5 ft 6 in", "762": "2 ft 6 in", "600": "1 ft 11 5/8 in",
    "610": "2 ft", "750": "2 ft 5 1/2 in", "760": "2 ft 5 15/16 in", "891": "2 ft 11 3/32 in", "900": "2 ft 11 7/16 in", "914": "3 ft", "950": "3 ft 1 3/8 in", "1372": "4 ft 6 in", "381": "15 in", "686": "2 ft 3 in",
}  # fmt: skip
_GAUGE_NAMES = {"sg": "1435", "ussg": "1435", "standard": "1435", "4ft8.5in": "1435", "56.5in": "1435", "metre": "1000", "meter": "1000", "m": "1000", "russian": "1520", "cape": "1067", "3ft6in": "1067", "irish": "1600", "5ft3in": "1600", "iberian": "1668", "indian": "1676", "5ft6in": "1676", "3ft": "914", "5ft": "1524", "2ft6in": "762", "2ft": "610", "1ft11.5in": "597"}  # fmt: skip


def _track_gauge(call: Arguments) -> str | None:
    """{{track gauge|1435mm}}: the gauges that railways have been built to."""
    code = call.value(1).lower().replace(" ", "").replace(",", "")
    width = _GAUGE_NAMES.get(code, code.removesuffix("mm"))
    if width not in _GAUGES:
        return None
    metric, imperial = f"{grouped(width)} mm", _GAUGES[width]
    return f"{imperial} ({metric})" if "ft" in code or "in" in code or code == "ussg" else f"{metric} ({imperial})"


RENDERERS = (
    dict.fromkeys(("convert", "cvt", "convinfobox", "convertabbr"), convert)
    | {"height": _height}
    | dict.fromkeys(("pop density", "population density"), _population_density)
    | dict.fromkeys(("track gauge", "railgauge", "rail gauge"), _track_gauge)
)
"""Renderers by the name of a template in lower case."""
