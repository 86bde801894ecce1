"""Templates that are made of conversions: heights, population densities, the gauges of railways."""

import math
import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.quantities.conversion import convert
from kernels.reading.parsing.wikitext.templates.quantities.numbers import as_text, grouped, number

_DENSITIES = {"km2": "PD/km2", "sqkm": "PD/km2", "sqmi": "PD/sqmi", "mi2": "PD/sqmi", "ha": "PD/ha", "acre": "PD/acre"}
_GAUGES = {
    "381": "15 in", "600": "1 ft 11 5/8 in", "610": "2 ft", "686": "2 ft 3 in", "750": "2 ft 5 1/2 in", "760": "2 ft 5 15/16 in", "762": "2 ft 6 in",
    "891": "2 ft 11 3/32 in", "900": "2 ft 11 7/16 in", "914": "3 ft", "950": "3 ft 1 3/8 in", "1000": "3 ft 3 3/8 in", "1067": "3 ft 6 in",
    "1372": "4 ft 6 in", "1435": "4 ft 8 1/2 in", "1520": "4 ft 11 27/32 in", "1524": "5 ft", "1600": "5 ft 3 in", "1668": "5 ft 5 21/32 in",
    "1676": "5 ft 6 in",
}  # fmt: skip
_GAUGE_NAMES = {
    "sg": "1435", "ussg": "1435", "standard": "1435", "4ft8.5in": "1435", "56.5in": "1435", "metre": "1000", "meter": "1000", "m": "1000",
    "russian": "1520", "cape": "1067", "3ft6in": "1067", "irish": "1600", "5ft3in": "1600", "iberian": "1668", "indian": "1676", "5ft6in": "1676",
    "3ft": "914", "5ft": "1524", "2ft6in": "762", "2ft": "610",
}  # fmt: skip


def _height(call: Arguments) -> str | None:
    """{{height|ft=6|in=4}}, {{height|m=1.80}}."""
    feet, inches, metres, centimetres = (call.get(name) for name in ("ft", "in", "m", "cm"))
    if feet or inches:
        parts = [part for value, code in ((feet, "ft"), (inches, "in")) if value for part in (value, code)]
        values = [*parts, "cm" if call.get("out") == "cm" else "m"]
    elif metres or centimetres:
        values = [metres or centimetres, "m" if metres else "cm", "ftin"]
    else:
        return None
    return convert(call._replace(name="cvt", values=values + [call.get("precision")] * bool(call.get("precision")), named={}))


def _population_density(call: Arguments) -> str | None:
    """{{pop density|people|area|unit|unit|prec=}}: people by area, and the same in another unit."""
    people, area, code = number(call.value(1)), number(call.value(2)), call.value(3)
    given, wanted = _DENSITIES.get(code), _DENSITIES.get(call.value(4) or {"km2": "sqmi", "sqmi": "km2"}.get(code, ""))
    if people is None or not area or given is None or wanted is None:
        return None
    density, asked = people / area, call.get("prec")
    decimals = max(0, 1 - math.floor(math.log10(density))) if 0 < density < 10 else 0
    decimals = int(asked) if re.fullmatch(r"\d", asked) else decimals
    values = [as_text(density, decimals, ""), given, wanted, *([str(decimals)] if asked else [])]
    return convert(call._replace(name="convert", values=values, named={key: value for key, value in call.named.items() if key == "abbr"}))


def _track_gauge(call: Arguments) -> str | None:
    """{{track gauge|1435mm}}: the gauges that railways have been built to."""
    code = call.value(1).lower().replace(" ", "").replace(",", "")
    width = _GAUGE_NAMES.get(code, code.removesuffix("mm"))
    if width not in _GAUGES:
        return None
    metric, imperial = f"{grouped(width)} mm", _GAUGES[width]
    return f"{imperial} ({metric})" if "ft" in code or "in" in code or code == "ussg" else f"{metric} ({imperial})"


RENDERERS = {
    "convert": convert, "cvt": convert, "convinfobox": convert, "height": _height, "pop density": _population_density,
    "population density": _population_density, "track gauge": _track_gauge, "railgauge": _track_gauge, "rail gauge": _track_gauge,
}  # fmt: skip
"""Renderers by the name of a template in lower case."""
