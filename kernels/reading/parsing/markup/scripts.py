"""Superscripts and subscripts as plain text, so that no figure changes its value: 10^6, m^2, e^(n+1), H2O, 10_2, 1st, 14C.

A superscript is written with ``^``, in brackets where it is more than one run of letters and digits; ordinals, marks and what stands before its
base (isotopes, the upper half of a fraction) are written plainly, references are left out. A subscript is written plainly, and with ``_`` where
it would join a figure or is more than one run.
"""

import re

from kernels.reading.parsing.markup.references import unescape

MAX_NESTING = 8
"""Scripts within scripts that are still told apart; the marks of deeper ones go."""

_SCRIPT = re.compile(r"<(sup|sub)\b[^<>]*+>([^<>]*+)</\1\s*+>", re.IGNORECASE)
_STRAY = re.compile(r"</?(?:sup|sub)\b[^<>]*+>", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[-+\u2212\u2013\u00b1]?\w+(?:[.,]\d+)?[-+\u2212\u2013]?|[-+\u2212\u2013]")
_IN_BRACKETS = re.compile(r"\([^()]*\)")
_LOWER_HALF = re.compile(r"[/\u2044]<sub\b", re.IGNORECASE)
_REFERENCE = re.compile(r"\[.*\]", re.DOTALL)
_ORDINAL = re.compile(r"(?:\d|\b[IVXLCDM]+)\.?\Z")
_ORDINALS = frozenset("st nd rd th er ère re ère eme ème d ª º a o os as".split())  # noqa: SIM905
_ABBREVIATIONS = frozenset("tm sm lle mlle me mme mr dr ac gr te cts sr jr ta to".split())  # noqa: SIM905
_MARKS = frozenset("*†‡§¶′″°®™©’'\"")
_CONTEXT_CHARS = 12


def superscript(content: str, before: str, after: str) -> str:
    """Return a superscript as text; ``before`` and ``after`` are the text around it, of which the nearest characters tell what it is."""
    content = content.strip()
    if not content or _REFERENCE.fullmatch(content):
        return ""
    before = before.rstrip("'")[-_CONTEXT_CHARS:]
    if set(content) <= _MARKS:
        return content
    if _LETTERS.fullmatch(content) and _is_part_of_a_word(content, before, after):
        return content
    if not before or not (before[-1].isalnum() or before[-1] in ")]}|′″'°%ℏ"):
        return content  # nothing that it could be the power of
    if _LOWER_HALF.match(after) and content.isdecimal():  # the upper half of a fraction
        return f" {content}" if before[-1].isdecimal() else content
    return f"^{content}" if _WORD.fullmatch(content) or _IN_BRACKETS.fullmatch(content) else f"^({content})"


def is_power(content: str, before: str, after: str) -> bool:
    """Return whether a superscript behind a blank is the power of the number before it: 10 <sup>6</sup>."""
    return before[-1:].isdecimal() and not after[:1].isalnum() and content.strip()[:1] in set("-+\u22120123456789")


def _is_part_of_a_word(content: str, before: str, after: str) -> bool:
    """Return whether letters are the end of an ordinal or an abbreviation, and no exponent."""
    if content.lower() in _ABBREVIATIONS and before[-1:].isalpha():
        return True
    if content == "c" and before.endswith("M") and after[:1].isupper():
        return True
    if content.lower() in _ORDINALS:
        return _ORDINAL.search(before) is not None and (len(content) > 1 or content in "ªº" or before[-1:].isdecimal() or before[-1:] == ".")
    return content == "e" and re.search(r"\b[IVX]{1,6}\Z", before) is not None


def subscript(content: str, before: str) -> str:
    """Return a subscript as text; ``before`` is the text before it."""
    content, before = content.strip(), before.rstrip("'")
    if not content:
        return ""
    if not _WORD.fullmatch(content):
        return f"_({content})" if before[-1:].isalnum() and not _IN_BRACKETS.fullmatch(content) else content
    return f"_{content}" if before[-1:].isdecimal() and content[0].isdecimal() else content


def resolve_scripts(text: str) -> str:
    """Return text with its ``<sup>`` and ``<sub>`` resolved from the inside out; other tags must be gone."""
    for _ in range(MAX_NESTING):
        text, count = _resolve_innermost(text)
        if not count:
            break
    return _STRAY.sub("", text)


def _resolve_innermost(text: str) -> tuple[str, int]:
    parts: list[str] = []
    place, count, before = 0, 0, ""
    for script in _SCRIPT.finditer(text):
        count += 1
        gap = text[place : script.start()]
        blank = " " if gap.endswith(" ") else ""
        gap = gap.removesuffix(" ")
        place = script.end()
        parts.append(gap)
        before = unescape((before + gap[-_CONTEXT_CHARS:])[-_CONTEXT_CHARS:])
        after = text[place : place + _CONTEXT_CHARS]
        content = script[2].replace("''", "")
        if script[1].lower() == "sub":
            written = blank + subscript(content, before + blank)
        elif blank and is_power(content, before, after):
            written = superscript(content, before, after)
        else:
            written = blank + superscript(content, before + blank, after)
        parts.append(written)
        before = (before + written)[-_CONTEXT_CHARS:]
    parts.append(text[place:])
    return "".join(parts), count
