"""Templates that show one of their values, or their values in a row: type, marks of language, quotations, lists."""

import re
from collections.abc import Callable

from kernels.reading.parsing.wikitext.marks import ASIDE, ASIDE_END, KEPT, NOTHING
from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_FIRST = """
    !xt, abbr, abbreviation, abbrlink, abbrv, anchored, arabic, armenian, as written, avoid wrap, big, big larger, bigger, bigmath, block
    indent, bold, break word, caps, center, centered, centre, char, citation needed span, clarify span, cn span, cnspan, code,
    coptic, cuneiform, cyrl, del, delink, disputed span, em, emphasis, fact span, float left, float right, font, georgian, grc-transl, greek,
    heb, hebr, hebrew, highlight, i, iast, iast1, iast2, ins, iso 15919, italic, italics, kbd, key, large, larger, left, ltr, math, mathrm,
    mi, midsize, mono, monospaced, mvar, naskh, nastaliq, nobold, nobr, nobreak, noitalic, noitalics, normal, nospell, not a mistake, not a
    typo, notatypo, nowrap, nq, nuqta, overline, pie, polytonic, pov span, proper name, propername, pslink, red link, redlink, right,
    runic, s, samp, sans-serif, sc, sc2, script/arabic, script/armenian, script/coptic, script/cuneiform, script/cyrillic, script/cyrs,
    script/georgian, script/glagolitic, script/gothic, script/greek, script/hebrew, script/nastaliq, script/phoenician, script/runic,
    script/slavonic, script/tibetan, serif, serifs, small, smallcaps, smaller, smaller2, smcp, spell ok, strike, strikeout, strikethrough,
    strong, syriac, term, text, tibetan, tooltip, tq, tqi, tt, typo, u, underline, unicode, unicode fonts, urdu, vanchor, var, visible anchor,
    xt
"""
_LAST = """
    align, background color, color, color text, colored text, colour, font color, font size, fontcolor, lang, langr, native name, native phrase, no
    redirect, resize, rtl-lang, rtl-para, script, sort, text color, tlit, transl, translit, transliteration, wikt-lang, wiktlang, xlit
"""
_QUOTES = """
    block quote, blockquotation, blockquote, bquote, centered pull quote, cquote, epigraph, imagequote, poem, poem quote, poemquote, pull quote,
    pullquote, quotation, quote, quote box, quote frame, quote without source, quoteblock, quotebox, rquote, verse
"""
_LISTS = """
    blist, br separated entries, bulleted list, columns list, columns-list, flatlist, list to prose, olist, ordered list, plain list, plainlist,
    ubl, ublist, ulist, unbulleted list, unordered list, vunblist
"""
_SIGNS = {
    "'s": "'s", "nbsp": " ", "space": " ", "spaces": " ", "sp": " ", "nnbsp": " ", "thinsp": " ", "thin space": " ", "thinspace": " ", "hair space": " ", "hairsp": " ", "ensp": " ", "emsp": " ", "figure space": " ",
    "quad": " ", "indent": " ", "in5": " ", "0": " ", "\u00b7": " \u00b7", "dot": " \u00b7", "middot": " \u00b7", "\u2022": " \u2022", "bull": " \u2022", "bullet": " \u2022", "snd": " \u2013 ", "snds": " \u2013 ", "spnd": " \u2013 ", "sndash": " \u2013 ",
    "spaced ndash": " \u2013 ", "spaced en dash": " \u2013 ", "spaced en dash space": " \u2013 ", "ndash": "\u2013", "en dash": "\u2013", "endash": "\u2013", "nsndns": "\u2013", "mdash": "\u2014", "em dash": "\u2014", "emdash": "\u2014", "--": "\u2014", "\u2014": "\u2014", "\u2013": "\u2013",
    "mdashb": " \u2014 ", "spaced mdash": " \u2014 ", "spaced em dash": " \u2014 ", "smd": " \u2014 ", "smdash": " \u2014 ", "nbhyph": "-", "nbh": "-", "hyphen": "-", "hyp": "-", "minus": "-", "\u2212": "-", "times": "\u00d7", "x": "\u00d7", "\u00d7": "\u00d7", "plusmn": "\u00b1", "pm": "\u00b1",
    "div": "\u00f7", "=": "=", "equals": "=", "!": "|", "pipe": "|", "(!": "{|", "!)": "|}", "!-": "|-", "!!": "||", "(": "{", ")": "}", "((": "{{", "))": "}}", "lbrace": "{", "rbrace": "}", "!(": "[", ")!": "]", "lbrack": "[", "rbrack": "]", "[": "[", "]": "]", "hash": "#",
    "number sign": "#", "asterisk": "*", "*": "*", "colon": ":", ":": ":", "semicolon": ";", "slash": "/", "\\": "/", "backslash": "\\", "ampersand": "&", "&": "&", "at": "@", "@": "@", "'": "'", "`": "'", "\"": "\"", "' \"": "'\"", "\" '": "\"'", "'\"": "'\"", "\"'": "\"'",
    "-\"": "\"", "-'": "'", "'-": "'", "\"-": "\"", "apostrophe": "'", "apos": "'", "'\"'": "'\"'", "\"'\"": "\"'\"", "pi": "\u03c0", "phi": "\u03c6", "infin": "\u221e", "infinity": "\u221e", "deg": "\u00b0", "prime": "\u2032", "pprime": "\u2033", "ellipsis": "\u2026", "...": "...", "and": "&", "br": "\n", "break": "\n",
    "crlf": "\n", "crlf2": "\n", "pb": "\n\n", "parabr": "\n\n", "paragraph break": "\n\n", "paragraph": "\n\n", "para": "\n\n", "section sign": "\u00a7", "sect": "\u00a7", "dagger": "\u2020", "ddagger": "\u2021", "double-dagger": "\u2021", "double dagger": "\u2021", "eur": "\u20ac", "euro": "\u20ac",
    "gbp": "\u00a3", "pound": "\u00a3", "yen": "\u00a5", "copy": "\u00a9", "male": "male", "female": "female", "tilde": "~", "~": "~", "therefore": "\u2234", "because": "\u2235", "star": "\u2605", "yes": "Yes", "no": "No", "co2": "CO2", "h2o": "H2O", "o2": "O2", "sic": "[sic]", "nee": "n\u00e9e", "n\u00e9e": "n\u00e9e",
    "floruit": "fl.", "fl.": "fl.", "circa": "c.", "c.": "c.", "ca.": "c.", "died-in": "d.", "d.": "d.", "b.": "b.", "extinct": "\u2020", "section": "\u00a7", "n/a": "N/A", "na": "N/A", "tba": "TBA", "unknown": "Unknown", "eqm": " ", "ayin": "\u02bf", "hamza": "\u02be", "okina": "\u02bb", "saltillo": "\ua78c", "ordm": "\u00ba",
    "numero": "No.", "number": "No.", "abbr number": "No.", "num": "No.", "no.": "No.", "vol.": "Vol.", "p.": "p.", "pp.": "pp.", "dotted": " \u00b7", "gteq": "\u2265", "leq": "\u2264", "geq": "\u2265", "neq": "\u2260", "approx": "\u2248", "aka": "a.k.a.", "a.k.a.": "a.k.a.", "i.e.": "i.e.", "e.g.": "e.g.", "sep": " \u00b7",
}  # fmt: skip
_BLOCK_GAP = "\n\n"


def _names(text: str) -> list[str]:
    return [" ".join(name.split()) for name in text.split(",")]


def _first(call: Arguments) -> str | None:
    return call.first or call.get("text", "content") or None


def _last(call: Arguments) -> str | None:
    return call.last or call.get("text") or None


def _quote(call: Arguments) -> str | None:
    words = call.get("text", "quote", "content") or call.value(1)
    return f"{_BLOCK_GAP}{words}{_BLOCK_GAP}" if words else None


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


def _row(call: Arguments) -> str | None:
    return " ".join(value for value in call.values if value) or None


def _columns(call: Arguments) -> str | None:
    columns = [call.named[name] for name in sorted(call.named) if re.fullmatch(r"col\d+", name)]
    return "\n".join(["", *columns, ""]) if columns else _list(call)


def _keys(call: Arguments) -> str | None:
    return "+".join(value for value in call.values if value) or None


def _bracketed(left: str, right: str):
    def render(call: Arguments) -> str | None:
        return f"{left}{call.first}{right}" if call.first else None

    return render


def _sic(call: Arguments) -> str:
    words = "".join(call.values[:2])
    hidden = call.get("hide", "nolink").lower() in ("y", "yes") and "hide" in call.named
    return words if hidden and words else f"{words} [sic]".lstrip()


def _link(call: Arguments) -> str | None:
    """{{ill|name|language|...|lt=label}}: a link to another language's article."""
    return call.get("lt", "display", "label", "preserve") or call.value(1) or call.get("en") or None


def _unlinked(call: Arguments) -> str | None:
    """{{section link|page|section}}."""
    values = [value for value in call.values if value]
    return " \u00a7 ".join(values[:2]) or None


def _address(call: Arguments) -> str | None:
    return call.value(2) or call.get("title", "name") or call.value(1) or None


def _span(call: Arguments) -> str | None:
    return call.get("text") or call.value(1) or None


def _template_name(call: Arguments) -> str | None:
    return f"{{{{{call.value(1)}}}}}" if call.value(1) else None


def _pronounced(left: str, right: str):
    def render(call: Arguments) -> str:
        sounds = call.value(2) if call.value(2) and re.fullmatch(r"[a-z]{2,3}(?:-[a-z]{2,4})?", call.value(1)) else call.value(1)
        return f"{ASIDE}{left}{sounds}{right}{ASIDE_END}" if sounds else NOTHING

    return render


_SOUNDS = re.compile(r"(?:lang|local|also|pron|us|uk|uklang|uslang|ipa|audio|small|[\w. -]+\.og[ga]|[\w. -]+\.wav|'|en-.*)", re.IGNORECASE)
_SOUND_SIGNS = {"-": "", "_": " ", "'": "\u02c8", ",": "\u02cc"}


def _english_sounds(call: Arguments) -> str:
    """{{IPAc-en|...}}: one sound a value."""
    sounds = [value for value in call.values if not _SOUNDS.fullmatch(value) or value == "'"]
    return f"{ASIDE}/{''.join(_SOUND_SIGNS.get(sound, sound) for sound in sounds)}/{ASIDE_END}" if sounds else NOTHING


def _respelled(call: Arguments) -> str:
    text = "-".join(value for value in call.values if value).replace("-_-", " ").replace("-'-", "-")
    return f"{ASIDE}{text}{ASIDE_END}" if text else NOTHING


def sign(call: Arguments) -> str | None:
    """Return what a template stands for that is called with nothing that it shows, or with a number of blanks; None for all others."""
    if call.name in ("nbsp", "spaces", "space", "indent", "in5", "br", "ensp", "emsp", "'", "ndash", "mdash", "clear") and call.name in _SIGNS:
        return _SIGNS[call.name]
    return None if call.first else _SIGNS.get(call.name)


def _hyphen(call: Arguments) -> str | None:
    return "".join(call.values) or None


def _quoted(call: Arguments) -> str | None:
    return f'"{call.first}"' if call.first else '"'


def _gloss(call: Arguments) -> str | None:
    return f"'{call.first}'" if call.first else None


def _literal(call: Arguments) -> str | None:
    meanings = [f"'{value}'" for value in call.values if value]
    return f"lit. {' or '.join(meanings)}" if meanings else None


def _ruby(call: Arguments) -> str | None:
    return f"{call.value(1)} ({call.value(2)})" if call.value(2) else call.value(1) or None


def _after(word: str):
    def render(call: Arguments) -> str | None:
        return f"{word} {call.first}" if call.first else word

    return render


def _named(call: Arguments) -> str | None:
    """{{sortname|first|last}}."""
    return " ".join(value for value in call.values[:2] if value) or None


def _code_point(call: Arguments) -> str | None:
    """{{unichar|20AC|euro sign}}."""
    code = call.value(1).lower().removeprefix("u+").removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]{1,6}", code) or not 32 <= int(code, 16) < 0x110000 or 0xD800 <= int(code, 16) < 0xE000:
        return None
    sign = chr(int(code, 16))
    shown = sign if sign.isprintable() and not 0xFDD0 <= int(code, 16) < 0xFDF0 else ""
    return " ".join(part for part in (f"U+{code.upper().zfill(4)}", shown, call.value(2).upper()) if part)


def _defined(call: Arguments) -> str | None:
    words = call.get("term", "content", "defn") or call.first
    return f"\n\n{words}\n\n" if words else None


def _kept(call: Arguments) -> str | None:
    """A formula that is kept as LaTeX, in a template."""
    text = call.first
    return text if KEPT in text else f"${text}$" if text else None


def find(name: str) -> Callable[[Arguments], str | None] | None:
    """Return the renderer of ``ipa-fr`` and its kin: a pronunciation in one language."""
    return _SPOKEN if name.startswith("ipa-") and len(name) < 16 else None


_SPOKEN = _pronounced("[", "]")
RENDERERS = (
    dict.fromkeys(_names(_FIRST), _first)
    | dict.fromkeys(_names(_LAST), _last)
    | dict.fromkeys(_names(_QUOTES), _quote)
    | dict.fromkeys(_names(_LISTS), _list)
    | dict.fromkeys(("hlist", "hlist-comma", "cslist", "comma separated entries", "pagelist", "enum", "comma separated list"), _hlist)
    | dict.fromkeys(("linktext", "lt"), _row)
    | dict.fromkeys(("columns", "multicol"), _columns)
    | dict.fromkeys(("key press", "keypress", "keys", "button"), _keys)
    | dict.fromkeys(("angbr", "angle bracket", "angle brackets", "angbr ipa", "angbripa"), _bracketed("\u27e8", "\u27e9"))
    | dict.fromkeys(("bracket", "brackets", "sqbr", "sqbrkt", "square bracket", "square brackets", "interp"), _bracketed("[", "]"))
    | dict.fromkeys(("curly brackets", "braces", "set"), _bracketed("{", "}"))
    | dict.fromkeys(("abs", "mabs", "pabs"), _bracketed("|", "|"))
    | dict.fromkeys(("norm",), _bracketed("\u2016", "\u2016"))
    | dict.fromkeys(("floor",), _bracketed("\u230a", "\u230b"))
    | dict.fromkeys(("ceil", "ceiling"), _bracketed("\u2308", "\u2309"))
    | dict.fromkeys(("sqrt", "radic", "radical", "surd"), _bracketed("\u221a(", ")"))
    | dict.fromkeys(("bra",), _bracketed("\u27e8", "|"))
    | dict.fromkeys(("ket",), _bracketed("|", "\u27e9"))
    | dict.fromkeys(("sic", "typo help", "sic?"), _sic)
    | dict.fromkeys(("ill", "interlanguage link", "ill2", "interlanguage link multi", "link-interwiki", "illm", "sill", "iw"), _link)
    | dict.fromkeys(("section link", "slink", "seclink"), _unlinked)
    | dict.fromkeys(("url", "official website", "official url", "homepage", "website", "web link", "plainlink", "plain link"), _address)
    | dict.fromkeys(("citation needed span", "cnspan", "fact span", "clarify span", "disputed span", "cn span", "dubious span"), _span)
    | dict.fromkeys(("tl", "tlx", "template link", "tld", "tlc", "tls"), _template_name)
    | dict.fromkeys(("ipa", "ipa link", "ipalink", "ipablink", "ipaslink", "ipa-all", "api", "ipa symbol"), _pronounced("", ""))
    | dict.fromkeys(("ipac-en", "ipac-en-us", "ipac-pl", "ipac-de", "ipac-hu", "ipac-ga", "ipac-yue", "ipac-cmn", "ipac-fr"), _english_sounds)
    | dict.fromkeys(("respell", "pronunciation respelling", "rspl"), _respelled)
    | dict.fromkeys(("hyphen join", "compound"), _hyphen)
    | dict.fromkeys(('"', "dquote", "double quotes", "quotation marks"), _quoted)
    | dict.fromkeys(("gloss", "single quotes", "single+double quote", "linguistic gloss"), _gloss)
    | dict.fromkeys(("lit", "literal", "literally", "lit.", "literal translation"), _literal)
    | dict.fromkeys(("ruby", "furigana", "ruby-ja", "ruby-zh-p"), _ruby)
    | dict.fromkeys(("trans", "translation", "transl."), _after("transl."))
    | dict.fromkeys(("reign", "r.", "ruled"), _after("r."))
    | dict.fromkeys(("nee", "n\u00e9e", "born as"), _after("n\u00e9e"))
    | dict.fromkeys(("vol.", "volume"), _after("Vol."))
    | dict.fromkeys(("p.", "page."), _after("p."))
    | dict.fromkeys(("pp.",), _after("pp."))
    | dict.fromkeys(("no.", "numero", "number", "num"), _after("No."))
    | dict.fromkeys(("aka", "a.k.a."), _after("a.k.a."))
    | dict.fromkeys(("sortname", "sort name"), _named)
    | dict.fromkeys(("unichar", "u+"), _code_point)
    | dict.fromkeys(("defn", "ghat"), _defined)
    | dict.fromkeys(("tmath", "mathtex", "latex"), _kept)
)  # fmt: skip
"""Renderers by the name of a template in lower case; each gives None for a call that it cannot tell."""
