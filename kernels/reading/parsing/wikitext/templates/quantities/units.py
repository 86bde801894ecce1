"""Units of ``{{convert}}``: symbol, names, what they measure, their size in the unit of that measure, and what they are converted to by default."""

from typing import NamedTuple

from kernels.reading.parsing.wikitext.templates.quantities.unit_table import UNITS


class Unit(NamedTuple):
    """One unit. A value of it is ``(value + offset) * size`` in the unit of its measure; ``power`` of ten is part of its name (million acres).

    A unit without a symbol is written with its name, degrees and kelvins with their symbols unless names are asked for.
    """

    symbol: str
    singular: str
    plural: str
    measure: str
    size: float
    default: str
    offset: float = 0.0
    power: int = 0


TEMPERATURES = {
    "C": Unit("°C", "degree Celsius", "degrees Celsius", "temperature", 1.0, "F", 273.15),
    "F": Unit("°F", "degree Fahrenheit", "degrees Fahrenheit", "temperature", 5 / 9, "C", 459.67),
    "K": Unit("K", "kelvin", "kelvins", "temperature", 1.0, "C F"),
    "R": Unit("°R", "degree Rankine", "degrees Rankine", "temperature", 5 / 9, "K F C"),
}
_PREFIXES = {
    "k": (1e3, "kilo"), "M": (1e6, "mega"), "G": (1e9, "giga"), "T": (1e12, "tera"), "h": (1e2, "hecto"), "d": (0.1, "deci"), "c": (0.01, "centi"),
    "m": (1e-3, "milli"), "u": (1e-6, "micro"), "n": (1e-9, "nano"), "p": (1e-12, "pico"),
}  # fmt: skip
_PREFIXED = frozenset(("m", "g", "L", "l", "W", "J", "N", "Pa", "Hz", "eV", "s"))
_SCALES = {"e3": (3, "thousand"), "e6": (6, "million"), "e9": (9, "billion"), "e12": (12, "trillion")}
COMPOSITES = {
    "ftin": ("ft", "in"), "footin": ("ft", "in"), "ydftin": ("yd", "ft", "in"), "lboz": ("lb", "oz"), "stlb": ("st", "lb"), "ydft": ("yd", "ft"),
    "miyd": ("mi", "yd"), "mich": ("mi", "chain"), "mift": ("mi", "ft"), "mifur": ("mi", "furlong"),
}  # fmt: skip
"""Units that are written one behind the other: 6 ft 4 in."""


def _read_table() -> dict[str, Unit]:
    units: dict[str, Unit] = dict(TEMPERATURES)
    for line in UNITS.strip().split("\n"):
        codes, symbol, singular, plural, measure, size, default = line.strip().split("|")
        factor = -float(size.removeprefix("inverse ")) if size.startswith("inverse") else float(size)
        symbol = "" if symbol == "*" else symbol
        unit = Unit(symbol, singular, plural or f"{singular}s", measure, factor, default)
        units |= dict.fromkeys(codes.split(","), unit)
    units |= {"°C": units["C"], "°F": units["F"], "celsius": units["C"], "fahrenheit": units["F"], "degC": units["C"], "degF": units["F"]}
    return units


_UNITS = _read_table()
_NAMED: dict[str, Unit] = {
    name.replace("metre", spelling): unit for unit in _UNITS.values() for name in (unit.singular, unit.plural) for spelling in ("metre", "meter")
}
"""Units by their names, in British and American spelling."""


def unit(code: str) -> Unit | None:
    """Return a unit by its code in ``{{convert}}``, with a scale such as ``e6`` before it or not; None where it is not known."""
    code = code.strip().replace("&nbsp;", " ")
    if found := _UNITS.get(code) or _NAMED.get(code.lower()):
        return found
    prefix = next((prefix for prefix in _SCALES if code.startswith(prefix)), None)
    if prefix is None:
        return _prefixed(code)
    base = _UNITS.get(code.removeprefix(prefix))
    if base is None or base.measure in ("temperature", "fuel"):
        return None
    power, word = _SCALES[prefix]
    default = " ".join(f"{prefix}{target}" for target in base.default.split(" ")[:1])
    names = (f"\u00d710^{power} {base.symbol or base.plural}", f"{word} {base.plural}", f"{word} {base.plural}")
    return Unit(*names, base.measure, base.size * 10**power, default, power=power)


def _prefixed(code: str) -> Unit | None:
    """Return a metric unit with a prefix: gigametre."""
    if code[:1] not in _PREFIXES or code[1:] not in _PREFIXED:
        return None
    factor, prefix = _PREFIXES[code[0]]
    base = _UNITS[code[1:]]
    return Unit(
        f"{code[0].replace('u', 'μ')}{base.symbol}", prefix + base.singular, prefix + base.plural, base.measure, base.size * factor, base.default
    )


def converted(value: float, source: Unit, target: Unit) -> float:
    """Return a value of one unit in another of the same measure. An inverse unit (miles per gallon) has a negative size."""
    if source.measure == "fuel":
        litres = -source.size / value if source.size < 0 else value * source.size
        return -target.size / litres if target.size < 0 else litres / target.size
    return (value + source.offset) * source.size / target.size - target.offset
