"""Templates that show one of their values, or their values in a row: type, marks of language, quotations, lists."""

import re

from kernels.reading.parsing.wikitext.marks import KEPT
from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.languages import WIKIPEDIAS

_FIRST = """
    !xt, abbr, abbreviation, abbrlink, abbrv, allcaps, anchored, anl, annotated link, arabic, armenian, as is, as written, au, aut, avoid wrap,
    big, big larger, bigger, bigmath, block indent, bn, bo, bo-textonly, bold, break word, caps, center, centered, centre, char, chess notation,
    citation needed span, clarify span, cn span, cnspan, code, coptic, crossref, crossreference, cuneiform, cyrl, del, delink, disputed span,
    em, emphasis, equationnote, equationref, fact span, float left, float right, font, format link, format linkr, georgian, grc-transl, greek,
    heb, hebr, hebrew, highlight, i, iast, iast1, iast2, ins, iso 15919, italic, italics, kbd, key, ko, large, larger, left, ltr, mark, math,
    mathrm, mi, midsize, mono, monospaced, mvar, my, naskh, nastaliq, nihongo foot, no wrap, nobold, nobr, nobreak, noitalic, noitalics,
    noprint, normal, nospell, not a mistake, not a typo, not typo, notatypo, nowrap, nq, nuqta, overline, pie, polytonic, pov span, proper name,
    propername, pslink, red link, redlink, right, runic, s, sa-iast, samp, sans-serif, sc, sc2, script/arabic, script/armenian, script/coptic,
    script/cuneiform, script/cyrillic, script/cyrs, script/georgian, script/glagolitic, script/gothic, script/greek, script/hebrew,
    script/nastaliq, script/phoenician, script/runic, script/slavonic, script/tibetan, see above, see below, serif, serifs, small, small caps,
    smallcaps, smaller, smaller2, smcp, spell ok, strike, strikeout, strikethrough, strong, syriac, term, text, tibetan, tooltip, tq, tqi, trim,
    tt, typo, u, underline, unicode, unicode fonts, urdu, vanchor, var, verbatim, vi-nom, visible anchor, xref, xt
"""
_LAST = """
    align, background color, bgcolor, color, color text, colored text, colour, font color, font size, fontcolor, hover title, native name,
    native phrase, nativename, no redirect, oncolor, resize, rtl-lang, rtl-para, script, sort, text color, tlit, transl, translit,
    transliteration, wikt-lang, wiktlang, xlit
"""
_QUOTES = """
    block quote, blockquotation, blockquote, bquote, centered pull quote, cquote, epigraph, imagequote, poem, poem quote, poemquote, pull quote,
    pullquote, quotation, quote, quote box, quote frame, quote without source, quoteblock, quotebox, rquote, verse
"""
_LISTS = """
    blist, br separated entries, bulleted list, columns list, columns-list, flatlist, list to prose, olist, ordered list, plain list, plainlist,
    ubl, ublist, ulist, unbulleted list, unordered list, vunblist
"""


def _names(text: str) -> list[str]:
    return [" ".join(name.split()) for name in text.split(",")]


def first_value(call: Arguments) -> str | None:
    """Return the first value."""
    return call.first or call.get("text", "content") or None


def last_value(call: Arguments) -> str | None:
    """Return the last value."""
    return call.last or call.get("text") or None


def block(call: Arguments) -> str | None:
    """Return a quotation, which stands between empty lines."""
    words = call.get("text", "quote", "content") or call.value(1)
    return f"\n\n{words}\n\n" if words else None


def _list(call: Arguments) -> str | None:
    values = [value for value in call.values if value]
    if marked := [value for value in values if value.startswith(("*", "#"))]:
        return "\n".join(["", *marked, ""])
    return "".join(f"\n* {value}" for value in values) + "\n" if values else None


def _hlist(call: Arguments) -> str | None:
    values = [value for value in call.values if value]
    if len(values) == 1 and values[0].startswith("*"):
        values = [line.lstrip("* ") for line in values[0].split("\n")]
    return ", ".join(values) or None


def in_a_row(call: Arguments) -> str | None:
    """Return all values with blanks between them."""
    return " ".join(value for value in call.values if value) or None


def _columns(call: Arguments) -> str | None:
    columns = [call.named[name] for name in sorted(call.named) if re.fullmatch(r"col\d+", name)]
    return "\n".join(["", *columns, ""]) if columns else _list(call)


def _keys(call: Arguments) -> str | None:
    return "+".join(value for value in call.values if value) or None


def _link(call: Arguments) -> str | None:
    """{{ill|name|language|...|lt=label}}: a link to another language's article."""
    first = call.value(3) if call.value(1) in WIKIPEDIAS and call.value(3) else call.value(1)
    return call.get("lt", "display", "label") or first or call.get("en") or None


def _unlinked(call: Arguments) -> str | None:
    """{{section link|page|section}}."""
    values = [value for value in call.values if value]
    return " \u00a7 ".join(values[:2]) or None


def _address(call: Arguments) -> str | None:
    return call.value(2) or call.get("title", "name") or call.value(1) or None


def _video(call: Arguments) -> str | None:
    """{{YouTube|id|title}}."""
    title = call.get("title") or call.value(2)
    return f"{title} on YouTube" if title else None


def _span(call: Arguments) -> str | None:
    return call.get("text") or call.value(1) or None


def _hyphen(call: Arguments) -> str | None:
    return "".join(call.values) or None


def _numbered_block(call: Arguments) -> str | None:
    """{{NumBlk|:|formula|number}}: a formula on its own line, with its number."""
    number = call.value(3).strip("()")
    return f"\n\n{call.value(2)}{f' ({number})' if number else ''}\n\n" if call.value(2) else None


def _ruby(call: Arguments) -> str | None:
    return f"{call.value(1)} ({call.value(2)})" if call.value(2) else call.value(1) or None


def _verses(call: Arguments) -> str | None:
    """{{verse translation|verses|translation}}: one below the other."""
    verses = [value for value in call.values[:3] if value]
    return "\n\n" + "\n\n".join(verses) + "\n\n" if verses else None


def _named(call: Arguments) -> str | None:
    """{{sortname|first|last}}."""
    return " ".join(value for value in call.values[:2] if value) or None


def _defined(call: Arguments) -> str | None:
    words = call.get("term", "content", "defn") or call.first
    return f"\n\n{words}\n\n" if words else None


def _kept(call: Arguments) -> str | None:
    """A formula that is kept as LaTeX, in a template."""
    text = call.first
    return text if KEPT in text else f"${text}$" if text else None


RENDERERS = (
    dict.fromkeys(_names(_FIRST), first_value)
    | dict.fromkeys(_names(_LAST), last_value)
    | dict.fromkeys(_names(_QUOTES), block)
    | dict.fromkeys(_names(_LISTS), _list)
    | dict.fromkeys(("hlist", "hlist-comma", "cslist", "comma separated entries", "pagelist", "enum", "comma separated list"), _hlist)
    | dict.fromkeys(("linktext", "lt"), in_a_row)
    | dict.fromkeys(("columns", "multicol"), _columns)
    | dict.fromkeys(("key press", "keypress", "keys", "button"), _keys)
    | dict.fromkeys(("ill", "interlanguage link", "ill2", "interlanguage link multi", "link-interwiki", "illm", "sill", "iw"), _link)
    | dict.fromkeys(("section link", "slink", "seclink"), _unlinked)
    | dict.fromkeys(("url", "official website", "official url", "homepage", "website", "web link", "plainlink", "plain link"), _address)
    | dict.fromkeys(("citation needed span", "cnspan", "fact span", "clarify span", "disputed span", "cn span", "dubious span"), _span)
    | {"youtube": _video}
    | dict.fromkeys(("numblk", "numbered block"), _numbered_block)
    | dict.fromkeys(("hyphen join", "compound"), _hyphen)
    | dict.fromkeys(("ruby", "furigana", "ruby-ja", "ruby-zh-p"), _ruby)
    | dict.fromkeys(("verse translation", "verse transl", "text and translation"), _verses)
    | dict.fromkeys(("sortname", "sort name"), _named)
    | dict.fromkeys(("defn", "ghat"), _defined)
    | dict.fromkeys(("tmath", "mathtex", "latex"), _kept)
)  # fmt: skip
"""Renderers by the name of a template in lower case; each gives None for a call that it cannot tell."""
