"""Templates that stand for one sign or a short word, or put one before or around a value."""

import re
from collections.abc import Callable

from kernels.reading.parsing.wikitext.marks import APOSTROPHE
from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_NAMES = {
    "'s": "'s",
    " ": "nbsp space spaces sp nnbsp thinsp thin_space thinspace hair_space hairsp ensp emsp figure_space quad indent in5 eqm",
    " \u00b7": "\u00b7 dot middot sep",
    " \u2022": "\u2022 bull bullet",
    " \u2013 ": "snd snds spnd sndash spaced_ndash spaced_en_dash spaced_en_dash_space",
    "\u2013": "ndash en_dash endash nsndns \u2013",
    "\u2014": "mdash em_dash emdash -- \u2014",
    " \u2014 ": "mdashb spaced_mdash spaced_em_dash smd smdash",
    "-": "nbhyph nbh hyphen hyp minus \u2212",
    "\u00d7": "times \u00d7",
    "\u00b1": "plusmn pm",
    "=": "= equals",
    "|": "! pipe",
    "{": "lbrace (",
    "}": "rbrace )",
    "[": "!( lbrack [",
    "]": ")! rbrack ]",
    "#": "hash number_sign",
    "*": "asterisk *",
    ":": "colon :",
    ";": "semicolon",
    "/": "slash \\",
    "\\": "backslash",
    "&": "ampersand & and",
    "@": "at @",
    "'": "' ` -' '- apostrophe apos",
    '"': '" -" "-',
    "'\"": "'_\" '\"",
    "\"'": "\"_' \"'",
    "'\"'": "'\"'",
    '"\'"': '"\'"',
    "\u03c0": "pi",
    "\u03c6": "phi",
    "\u221e": "infin infinity",
    "\u00b0": "deg",
    "\u2032": "prime",
    "\u2033": "pprime",
    "\u2026": "ellipsis",
    "...": "...",
    "\n": "br break crlf crlf2",
    "\n\n": "pb parabr paragraph_break paragraph para",
    "\u00a7": "section_sign sect",
    "\u2020": "dagger extinct",
    "\u2021": "ddagger double-dagger double_dagger",
    "\u20ac": "eur euro",
    "\u00a3": "gbp pound",
    "\u00a5": "yen",
    "\u00a9": "copy",
    "male": "male",
    "female": "female",
    "~": "tilde ~",
    "\u2234": "therefore",
    "\u2235": "because",
    "\u2605": "star",
    "Yes": "yes",
    "No": "no",
    "CO2": "co2",
    "H2O": "h2o",
    "O2": "o2",
    "[sic]": "sic",
    "n\u00e9e": "nee n\u00e9e",
    "fl.": "floruit fl.",
    "c.": "circa c. ca.",
    "d.": "died-in d.",
    "b.": "b.",
    "N/A": "n/a na",
    "TBA": "tba",
    "Unknown": "unknown",
    "\u02bf": "ayin",
    "\u02be": "hamza",
    "\u02bb": "okina",
    "\ua78c": "saltillo",
    "\u00ba": "ordm",
    "No.": "numero number abbr_number num no.",
    "Vol.": "vol.",
    "p.": "p.",
    "pp.": "pp.",
    "\u2265": "gteq geq",
    "\u2264": "leq",
    "\u2260": "neq",
    "approx.": "approx",
    "\u266d": "flat",
    "\u266f": "sharp",
    "\u266e": "natural",
    "\u00b0C": "degc \u00b0c",
    "\u00b0F": "degf \u00b0f",
    "\u221a": "radic",
    "a.k.a.": "aka a.k.a.",
    "i.e.": "i.e.",
    "e.g.": "e.g.",
}
"""Signs, and the names of their templates, with underscores for blanks."""

_SIGNS = {name.replace("_", " "): sign.replace("'", APOSTROPHE) for sign, names in _NAMES.items() for name in names.split()}
_COUNTED = frozenset(("nbsp", "spaces", "space", "indent", "in5", "br", "ensp", "emsp"))
"""Signs that take a number: of blanks, of lines."""
_BEFORE = {
    "transl.": "trans translation transl.",
    "n\u00e9e": "nee n\u00e9e",
    "Vol.": "vol.",
    "p.": "p.",
    "pp.": "pp.",
    "No.": "no. numero",
    "a.k.a.": "aka a.k.a.",
    "approx.": "approx",
}
_AROUND = {
    "\u27e8 \u27e9": "angbr angle_bracket angbr_ipa vr grapheme",
    "[ ]": "interp bracket brackets sqbr sqbrkt square_bracket",
    "{ }": "curly_brackets braces set",
    "| |": "abs mabs pabs",
    "\u2016 \u2016": "norm",
    "\u230a \u230b": "floor",
    "\u2308 \u2309": "ceil ceiling",
    "\u27e8 |": "bra",
    "| \u27e9": "ket",
}
_MUSIC = {
    "flat": "\u266d",
    "b": "\u266d",
    "sharp": "\u266f",
    "#": "\u266f",
    "natural": "\u266e",
    "doubleflat": "\U0001d12b",
    "doublesharp": "\U0001d12a",
}
_LAST_CODE_POINT, _SURROGATES, _INTERNAL = 0x110000, range(0xD800, 0xE000), range(0xFDD0, 0xFDF0)


def sign(call: Arguments) -> str | None:
    """Return what a template stands for that is called with no value, or with a number of signs; None for all others."""
    if call.name in _COUNTED:
        return _SIGNS[call.name]
    return None if call.first else _SIGNS.get(call.name)


def _before(word: str) -> Callable[[Arguments], str]:
    return lambda call: f"{word} {call.first}" if call.first else word


def _around(signs: str) -> Callable[[Arguments], str | None]:
    left, right = signs.split(" ")
    return lambda call: f"{left}{call.first}{right}" if call.first else None


def _sic(call: Arguments) -> str:
    words = "".join(call.values[:2])
    return words if call.get("hide").lower() in ("y", "yes") and words else f"{words} [sic]".lstrip()


def _quoted(call: Arguments) -> str:
    return f'"{call.first}"' if call.first else '"'


def _gloss(call: Arguments) -> str | None:
    return f"'{call.first}'" if call.first else None


def _literal(call: Arguments) -> str | None:
    meanings = " or ".join(f"'{value}'" for value in call.values if value)
    return f"lit. {meanings}" if meanings else None


def _code_point(call: Arguments) -> str | None:
    """{{unichar|20AC|euro sign}}."""
    code = call.value(1).lower().removeprefix("u+")
    point = int(code, 16) if re.fullmatch(r"[0-9a-f]{1,6}", code) else 0
    if not 32 <= point < _LAST_CODE_POINT or point in _SURROGATES:
        return None
    shown = chr(point) if chr(point).isprintable() and point not in _INTERNAL else ""
    return " ".join(part for part in (f"U+{code.upper().zfill(4)}", shown, call.value(2).upper()) if part)


def _music(call: Arguments) -> str | None:
    """{{music|sharp}}, {{music|F sharp}}, {{music|time|3|4}}."""
    if call.value(1).lower() in ("time", "timesig") and call.value(3):
        return f"{call.value(2)}/{call.value(3)}"
    note, _, accidental = call.first.rpartition(" ")
    sign = _MUSIC.get(accidental.lower())
    return f"{note}{sign}" if sign and len(note) < 2 else None


RENDERERS = (
    {name.replace("_", " "): _before(word) for word, names in _BEFORE.items() for name in names.split()}
    | {name.replace("_", " "): _around(around) for around, names in _AROUND.items() for name in names.split()}
    | {"sic": _sic, "sic?": _sic, "unichar": _code_point, "music": _music}
    | dict.fromkeys(('"', "dquote", "double quotes", "quotation marks"), _quoted)
    | dict.fromkeys(("gloss", "single quotes", "single+double quote", "linguistic gloss"), _gloss)
    | dict.fromkeys(("lit", "literal", "literally", "lit.", "literal translation"), _literal)
)
"""Renderers by the name of a template in lower case."""
