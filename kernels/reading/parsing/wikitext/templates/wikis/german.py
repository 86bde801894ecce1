"""Templates of the German Wikipedia."""

import re

from kernels.reading.parsing.wikitext.marks import NOTHING
from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.quantities.numbers import fraction
from kernels.reading.parsing.wikitext.templates.wikis.naming import Renderer, Templates, always, before, between, names
from kernels.reading.parsing.wikitext.templates.words import block, first_value, in_a_row

_LANGUAGES = dict(
    zip(*[iter("""
    ar arabisch bg bulgarisch bs bosnisch ca katalanisch cs tschechisch cy walisisch da dänisch de deutsch el griechisch en englisch es spanisch
    et estnisch eu baskisch fa persisch fi finnisch fr französisch ga irisch gd schottisch-gälisch grc altgriechisch he hebräisch hr kroatisch
    hu ungarisch hy armenisch is isländisch it italienisch ja japanisch ka georgisch ko koreanisch la lateinisch lt litauisch lv lettisch
    mk mazedonisch nds niederdeutsch nl niederländisch no norwegisch pl polnisch pt portugiesisch ro rumänisch ru russisch sk slowakisch
    sl slowenisch sq albanisch sr serbisch sv schwedisch th thailändisch tr türkisch uk ukrainisch vi vietnamesisch zh chinesisch
    """.split())] * 2, strict=True)  # noqa: SIM905
)  # fmt: skip
_MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember")
_LEVELS = {"DE-NN": "m ü. NN", "DE-NHN": "m ü. NHN", "AT": "m ü. A.", "CH": "m ü. M.", "LI": "m ü. M."}
"""What heights are measured from, by country."""


def _in_language(call: Arguments) -> str | None:
    """{{enS|word}}: englisch word; a second value is its spelling in Latin letters."""
    words = in_a_row(call)
    return f"{_LANGUAGES[call.name.removesuffix('s')]} {words}" if words else None


def _height(call: Arguments) -> str | None:
    """{{Höhe|1234|DE-NHN}}."""
    return f"{call.value(1)} {_LEVELS.get(call.value(2), 'm')}" if call.value(1) else None


def _date(call: Arguments) -> str | None:
    """{{Datum|4|5|2011}}, {{Datum|2011-05-04}}."""
    iso = re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)", call.first)
    day, month, year = reversed(iso.groups()) if iso else [*call.values, "", "", ""][:3]
    if not (day.isdecimal() and month.isdecimal() and 1 <= int(month) <= 12):
        return None
    return f"{int(day)}. {_MONTHS[int(month) - 1]} {year}".rstrip()


def _verse(call: Arguments) -> str | None:
    """{{Bibel|Joh|3|16}}: Joh 3,16."""
    book, chapter, verse = [*call.values, "", "", ""][:3]
    return f"{book} {chapter}{',' if verse else ''}{verse}".strip() or None


def _sorted(call: Arguments) -> str | None:
    """{{SortKey|key|words}}."""
    return call.value(2) or NOTHING


def _fraction(call: Arguments) -> str | None:
    return fraction(call.values[:3])


def _find(name: str) -> Renderer | None:
    """Return the renderer of ``enS`` and its kin."""
    return _in_language if name.endswith("s") and name.removesuffix("s") in _LANGUAGES else None


_RENDERERS: dict[str, Renderer] = (
    dict.fromkeys(names("kapitälchen, kap, nobr, farbe, hervorheben, schrift, unterstrichen, textausrichtung, okina, arf, fas"), first_value)
    | dict.fromkeys(names("polytonisch, arabs, hebräische schrift, unicode, ipa-text, lautschrift, hochgestellt, anker text"), first_value)
    | dict.fromkeys(("zitat", "zitat-en", "zitat-fr", "gedicht"), block)
    | dict.fromkeys(('"', '"-de', "zitat inline"), between("\u201e", "\u201c"))
    | dict.fromkeys(("bruch", "frac"), _fraction)
    | {"höhe": _height, "datum": _date, "datumzelle": _date, "bibel": _verse, "sortkey": _sorted, "sortkeyname": in_a_row}
    | {"0": always(NOTHING), "\u00a7": before("\u00a7"), "art.": before("Art."), "nr.": before("Nr."), "exp": between("\u00d710^", "")}
)
_SILENT = frozenset(
    names("""
    anker, anmerkung, begriffsklärung, begriffsklärungshinweis, belege fehlen, belege, coordinate, dieser artikel, dmoz, einzelnachweise,
    fn, fnbox, fnz, hauptartikel, internetquelle, literatur, lückenhaft, mehrere bilder, neutralität, normdaten, nur liste, quelle,
    quellen fehlen, siehe auch, siehe hauptartikel, toter link, ueberarbeiten, überarbeiten, veraltet, webarchiv, wikisource, wiktionary,
    zitation, audio, absatz, doppeltes bild, exzellent, lesenswert, informativ, gesprochener artikel, rechtshinweis, gesundheitshinweis,
    defekter weblink, der artikel, weiterleitungshinweis
    """)
)
_SILENT_BEGINNINGS = ("navigationsleiste", "infobox", "personendaten", "folgenleiste", "metadaten", "panorama", "imdb", "discogs")

TEMPLATES = Templates(_RENDERERS, _SILENT, _SILENT_BEGINNINGS, _find)
