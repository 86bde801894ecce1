"""Places in the sky, and sizes in those of the Sun, the Earth and Jupiter."""

from collections.abc import Callable

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_UNITS = {
    "solar mass": "M\u2609", "solar radius": "R\u2609", "solar luminosity": "L\u2609", "solar metallicity": "Z\u2609",
    "earth mass": "M\u2295", "jupiter mass": "MJ", "jupiter radius": "RJ", "earth radius": "R\u2295",
}  # fmt: skip


def _unit(call: Arguments) -> str:
    """{{solar mass|5}}: the unit, behind a value where there is one."""
    return " ".join(part for part in (call.first, _UNITS[call.name]) if part)


def _angle(signs: tuple[str, str, str]) -> Callable[[Arguments], str | None]:
    def render(call: Arguments) -> str | None:
        values = call.values[:3]
        return " ".join(value + sign for value, sign in zip(values, signs, strict=False) if value) or None

    return render


def _minor_planet(call: Arguments) -> str | None:
    """{{mp|2003 UB|313}}: a provisional name, whose number is a subscript."""
    name = call.value(1) + call.value(2)
    return f"{name} {call.value(3)}".strip() or None


RENDERERS = (
    dict.fromkeys(_UNITS, _unit)
    | dict.fromkeys(("ra", "rightascension"), _angle(("h", "m", "s")))
    | dict.fromkeys(("dec", "declination"), _angle(("\u00b0", "\u2032", "\u2033")))
    | dict.fromkeys(("mp", "mpl", "mpl-"), _minor_planet)
)
"""Renderers by the name of a template in lower case."""
