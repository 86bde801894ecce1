"""The licence of a source file as an SPDX identifier (spdx.org/licenses), by what the file says or by the nearest licence file above it.

A text is compared by phrases that a licence has and its relatives do not, in lower case with everything but letters and digits as one
space, so that layout, quotes and comment marks do not matter. Where a text grants a choice only in prose, the first licence that fits counts.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

HEADER_CHARS = 6000
"""How much of a file's beginning may hold its licence."""
MAX_LICENCE_CHARS = 1 << 16
"""How much of a licence file is compared; the longest of those known has 35,000 characters."""
LICENCE_FILE = re.compile(r"(?:un)?licen[cs]e(?:[-_.][\w.-]{1,40})?|copying(?:[-_.][\w.-]{1,40})?|copyright", re.IGNORECASE)

_EXPRESSION = re.compile(r"SPDX-License-Identifier:[ \t]{0,9}(\(?[A-Za-z0-9][\w.+() \t-]{0,200})")
_TERM = re.compile(r"[()]|[\w.+-]+")
_FORM = re.compile(r"(?:-only|-or-later|\+)$")
_NOT_WORD = re.compile(r"[^a-z0-9]+")

_NOTICE = "provided that the above copyright notice and this permission notice appear in all copies"
_BSD = (
    "redistribution and use in source and binary forms with or without modification are permitted",
    "redistributions in binary form must reproduce",
)


def _gnu(identifier: str, name: str, version: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the rules for a licence of the GNU project: its title, and the notices that a source file carries."""
    publisher = "as published by the free software foundation"
    return [(identifier, (f"{name} {words}version {version}",)) for words in ("", f"{publisher} either ", f"{publisher} ")]


RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("MPL-2.0", ("mozilla public license version 2 0",)),
    ("MPL-2.0", ("mozilla public license v 2 0",)),
    *_gnu("AGPL-3.0", "gnu affero general public license", "3"),
    *_gnu("LGPL-3.0", "gnu lesser general public license", "3"),
    *_gnu("LGPL-2.1", "gnu lesser general public license", "2 1"),
    *_gnu("GPL-3.0", "gnu general public license", "3"),
    *_gnu("GPL-2.0", "gnu general public license", "2"),
    ("Apache-2.0", ("apache license version 2 0",)),
    ("Apache-2.0", ("www apache org licenses license 2 0",)),
    ("CC0-1.0", ("cc0 1 0 universal",)),
    ("CC0-1.0", ("creativecommons org publicdomain zero 1 0",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    ("Python-2.0", ("python software foundation license version 2",)),
    ("BSL-1.0", ("boost software license version 1 0",)),
    ("BSL-1.0", ("permission is hereby granted free of charge to any person or organization obtaining a copy of the software and accompanying",)),
    ("ISC", ("permission to use copy modify and or distribute this software for any purpose with or without fee", _NOTICE)),
    ("ISC", ("permission to use copy modify and distribute this software for any purpose with or without fee", _NOTICE)),
    ("Zlib", ("altered source versions must be plainly marked as such and must not be misrepresented",)),
    ("BSD-4-Clause", (*_BSD, "all advertising materials mentioning features or use of this software must display")),
    ("BSD-3-Clause", (*_BSD, "endorse or promote products derived from this software")),
    ("BSD-2-Clause", _BSD),
    ("MIT", ("permission is hereby granted free of charge to any person obtaining a copy", "the above copyright notice and this permission notice")),
    ("MIT", ("licensed under the mit license",)),
    ("MIT", ("released under the mit license",)),
)
"""Identifier and phrases that must all be there. The first rule that fits decides: relatives, and texts that name others, stand in order."""


def is_licence_file(path: str) -> bool:
    """Return whether a path is that of a file that tells the licence of its folder."""
    return LICENCE_FILE.fullmatch(PurePosixPath(path).name) is not None


def match_licence(text: str) -> str | None:
    """Return the SPDX identifier of the licence that a text is or names."""
    normal = _NOT_WORD.sub(" ", text[:MAX_LICENCE_CHARS].lower())
    return next((name for name, phrases in RULES if all(phrase in normal for phrase in phrases)), None)


def stated_licence(text: str) -> tuple[str, str] | None:
    """Return the licence that a source file states of itself, and how: ``spdx`` or ``header``."""
    head = text[:HEADER_CHARS]
    if match := _EXPRESSION.search(head):
        return _expression(match[1]), "spdx"
    name = match_licence(head)
    return (name, "header") if name else None


def _expression(text: str) -> str:
    """Return a licence expression without what stands behind it in its line, such as the end of a comment."""
    terms: list[str] = []
    for term in _TERM.findall(text):
        is_joint = term in ("AND", "OR", "WITH", "(", ")")
        if not is_joint and terms and terms[-1] not in ("AND", "OR", "WITH", "("):
            break
        terms.append(term)
    return " ".join(terms).replace("( ", "(").replace(" )", ")")


def nearest(path: str, licence_files: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    """Return what ``licence_files`` holds for the nearest folder above a file (the root is the empty string), else None."""
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        if found := licence_files.get(folder):
            return found
    return None


def is_allowed(expression: str, allowed: Sequence[str]) -> bool:
    """Return whether a licence expression can be met by allowed licences: one of an ``OR``, all of an ``AND``.

    An exception behind ``WITH`` only permits more, so that it does not count. What is no expression is not allowed.
    """
    terms = _TERM.findall(expression)
    place = 0

    def alternatives() -> bool:
        nonlocal place
        verdict = conjunction()
        while terms[place : place + 1] == ["OR"]:
            place += 1
            verdict |= conjunction()
        return verdict

    def conjunction() -> bool:
        nonlocal place
        verdict = single()
        while terms[place : place + 1] == ["AND"]:
            place += 1
            verdict &= single()
        return verdict

    def single() -> bool:
        nonlocal place
        term = terms[place] if place < len(terms) else ""
        place += 1
        if term == "(":
            verdict = alternatives()
            place += 1
            return verdict
        if terms[place : place + 1] == ["WITH"]:
            place += 2
        return term in allowed or _FORM.sub("", term) in allowed

    return alternatives() and place == len(terms)
