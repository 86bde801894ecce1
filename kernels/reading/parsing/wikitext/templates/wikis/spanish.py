"""Templates of the Spanish Wikipedia."""

import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.wikis.naming import Renderer, Templates, always, before, between, names, number_with_unit
from kernels.reading.parsing.wikitext.templates.words import block, first_value, in_a_row, last_value

_MONTHS = ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre")
_ERAS = {"a": " a. C.", "ac": " a. C.", "a.c.": " a. C.", "a. c.": " a. C.", "d": " d. C.", "dc": " d. C.", "d.c.": " d. C.", "d. c.": " d. C."}


def _date(call: Arguments) -> str | None:
    """{{fecha|4|7|1776}}, {{fecha|1776|7|4}}: 4 de julio de 1776."""
    values = [value for value in call.values if value][:3]
    if len(values) != 3 or not all(value.isdecimal() for value in values):
        return call.first if len(values) == 1 and re.search(r"\d", call.first) else None
    day, month, year = values if len(values[0]) < 3 else reversed(values)
    return f"{int(day)} de {_MONTHS[int(month) - 1]} de {year}" if 1 <= int(month) <= 12 else None


def _century(call: Arguments) -> str | None:
    """{{siglo|XIX||s}}, {{siglo|V|a}}: with ``s`` the word siglo stands before it."""
    if not call.value(1):
        return None
    word = "siglo " if "s" in (value.lower() for value in call.values[2:]) else ""
    return word + call.value(1) + _ERAS.get(call.value(2).lower(), "")


_RENDERERS: dict[str, Renderer] = (
    dict.fromkeys(names("versalita, versalitas, negrita, cursiva, redondas, pequeño, grande, subrayado, tachado, color, unicode, esd"), first_value)
    | dict.fromkeys(names("idioma, ordenar, color texto"), last_value)
    | dict.fromkeys(names("cita, cita larga, quote, verso, poema"), block)
    | dict.fromkeys(names("fecha, fecha de inicio, fecha de fin, fecha de nacimiento, nacimiento, fallecimiento, fecha de fallecimiento"), _date)
    | dict.fromkeys(names("unidad, numero, nts"), number_with_unit)
    | dict.fromkeys(names("ac, a. c., a.c., adc"), always("a. C."))
    | dict.fromkeys(names("dc, d. c., d.c."), always("d. C."))
    | {"siglo": _century, "n.º": before("n.º"), "comillas": between("\u00ab", "\u00bb"), "nombre": in_a_row, "página": before("p.")}
)
_SILENT = frozenset(
    names("""
    ap, artículo principal, aviso legal, cita requerida, cita libro, cita web, control de autoridades, demostrar, desambiguación,
    enlace roto, esbozo, ficha, harvsp, listaref, mal ref, otros usos, otros usos de, portal, por quién, quién, redirige aquí, referencias,
    referencias adicionales, revisar traducción, refmal, sf, vt, véase también, véase, wikificar, wikidata, obtener idioma, traducido ref,
    cuándo, dónde, destacado, artículo bueno, imagen múltiple, clr
    """)
)
_SILENT_BEGINNINGS = ("ficha ", "ficha de", "cita ", "portal", "sucesión", "esbozo", "taxobox")

TEMPLATES = Templates(_RENDERERS, _SILENT, _SILENT_BEGINNINGS)
