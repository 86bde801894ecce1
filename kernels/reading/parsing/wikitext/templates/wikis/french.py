"""Templates of the French Wikipedia."""

import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.quantities.numbers import fraction
from kernels.reading.parsing.wikitext.templates.wikis.naming import Renderer, Templates, always, before, between, names, number_with_unit
from kernels.reading.parsing.wikitext.templates.words import block, first_value, last_value

_RANK = re.compile(r"(?:(?:I|V|X|L|XL|IV|IX|XC|C|CD|D|CM|M)+|\d{1,3})(?:er|re|e|ème)(?: (?:siècle|millénaire))?")
_OLD = " av. J.-C."


def _century(call: Arguments) -> str | None:
    """{{s|XIX|e}}, {{s-|XV|e|XVI|e}}, {{-s|II|e}}: centuries, those before our era with a stroke before the name."""
    values = [value for value in call.values if value]
    if not 1 <= len(values) <= 4:
        return None
    pairs = [values[place] + (values[place + 1] if place + 1 < len(values) else "e") for place in range(0, len(values), 2)]
    is_short = call.name in ("sp-", "s2-")
    words = f"{' et ' if call.name.startswith('s2') else ' - '}".join(pairs) + ("" if is_short else " siècle" + "s" * (call.name.startswith("s2")))
    return words + (_OLD if call.name.startswith("-") else "")


def _date(call: Arguments) -> str | None:
    """{{date|4|juillet|1776|en France}}: what follows is the subject of the link."""
    if len(call.values) == 1:
        return call.first or None
    return " ".join(value for value in call.values[:3] if value) or None


def _hours(call: Arguments) -> str | None:
    """{{heure|3|20}}: 3 h 20."""
    parts = [f"{value} {unit}" for value, unit in zip(call.values, ("h", "min", "s"), strict=False) if value]
    if len(parts) == 2 and call.value(1):
        return f"{call.value(1)} h {call.value(2)}"
    return " ".join(parts) or None


def _link(call: Arguments) -> str | None:
    """{{Lien|langue=en|trad=...|fr=title|texte=words}}."""
    return call.get("texte") or call.value(2) * (call.value(1) == "en") or call.get("fr") or call.first or None


def _ruler(call: Arguments) -> str | None:
    """{{souverain|Louis XIV}}."""
    return call.get("texte") or call.first or None


def _as_written(call: Arguments) -> str:
    return call.written


def _rank(call: Arguments) -> str | None:
    """{{XIXe siècle}}, {{1er}}, {{IIIe}}."""
    return call.written if _RANK.fullmatch(call.written) else None


def _fraction(call: Arguments) -> str | None:
    return fraction(call.values[:3])


def _find(name: str) -> Renderer | None:
    """Return the renderer of ``xixe siècle``, ``1er`` and their kin."""
    return _rank if name.partition(" ")[0].endswith(("e", "er", "re", "ème")) else None


_FIRST = names("""
    abr, abréviation, abréviation discrète, formule, guillemets simples, langue, majuscules, nobr, non italique, petites capitales, pc,
    refnec, référence nécessaire, référence souhaitée, romain, petit, souligner, terme défini, texte, titre en couleur
    """)
_TITLES = {"mme": "Mme", "mlle": "Mlle", "m.": "M.", "mr": "M.", "dr": "Dr", "pr": "Pr", "st": "St", "mgr": "Mgr"}
_RENDERERS: dict[str, Renderer] = (
    dict.fromkeys(_FIRST, first_value)
    | dict.fromkeys(names("langue, couleur, rom-maj, rom, tri, tri1, écriture"), last_value)
    | dict.fromkeys(names("citation bloc, citation longue, vers, poème, début citation"), block)
    | dict.fromkeys(names("citation, guil, citation étrangère, citation nécessaire"), between("\u00ab ", " \u00bb"))
    | dict.fromkeys(names("s, s-, sp, sp-, s2, s2-, -s, -s-, -sp, -sp-, siècle"), _century)
    | dict.fromkeys(names("date, date-, date de naissance, date de décès, date de naissance-, date de décès-"), _date)
    | dict.fromkeys(names("unité, nombre, nb, unite, tunité, dunité, unité/2"), number_with_unit)
    | dict.fromkeys(names("heure, heures, durée, duree"), _hours)
    | dict.fromkeys(names("souverain, souverain-, souverain2, souverain3, monarque, pape, saint"), _ruler)
    | dict.fromkeys(names("av jc, av. j.-c., avjc, avant jc"), always("av. J.-C."))
    | dict.fromkeys(names("ap jc, ap. j.-c., apjc"), always("apr. J.-C."))
    | dict.fromkeys(names("e, er, re, ère, ème, nd, nde, ier, ième, ière"), _as_written)
    | dict.fromkeys(names("lien, ill, llien"), _link)
    | dict.fromkeys(names("n°, no, numéro"), before("n°"))
    | {title: always(words) for title, words in _TITLES.items()}
    | {"incise": between("\u2013 ", " \u2013"), "exp": between("<sup>", "</sup>"), "ind": between("<sub>", "</sub>"), "x10": between("\u00d710^", "")}
    | {"p.": before("p."), "vol.": before("vol."), "fraction": _fraction}
)
_SILENT = frozenset(
    names("""
    ancre, article, article détaillé, article connexe, autres projets, à sourcer, bases, clr, colonnes, confusion, coord, dictionnaires,
    désambiguïsation, ébauche, en, fr, es, de, it, liens, lien web, lire en ligne, lien brisé, loupe, méta bandeau, mul, note, notes,
    note de groupe, ouvrage, palette, pas clair, portail, précision nécessaire, pertinence, quand, qui, qui ?, quoi, quoi ?, réf,
    références, refinsuff, refsou, référence incomplète, selon qui, source insuffisante, sources à lier, source à lier,
    traduction/référence, voir homonymes, voir aussi, voir homonyme, vérification, où, comment, lequel, plume, quel, article à illustrer,
    arborescence, légende, image, ligne de tableau
    """)
)
_SILENT_BEGINNINGS = ("infobox", "portail", "palette", "ébauche", "taxobox", "bandeau", "sfn", "voir ")

TEMPLATES = Templates(_RENDERERS, _SILENT, _SILENT_BEGINNINGS, _find)
