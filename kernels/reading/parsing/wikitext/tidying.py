"""What is left around the places where something stood that says nothing, and the quotes that stand for bold and italic type."""

import re

from kernels.reading.parsing.wikitext.marks import NOTHING

_LOOSE = re.compile(r" ([,.])(?=\s|$)", re.MULTILINE)
_RUN = rf"[ ,;:{NOTHING}]"
_EMPTY_BRACKETS = re.compile(rf"[(\[]({_RUN}*+)[)\]]")
_OPENING = re.compile(rf"([(\[])({_RUN}++)")
_CLOSING = re.compile(rf"{NOTHING}{_RUN}*+(?=[)\]])")
_FIRST_OF_LIST = re.compile(rf":([ {NOTHING}]++)[,;](?=\s)")
_BETWEEN = re.compile(rf"[,;:]([ {NOTHING}]++)(?=[,;.])")
_PLACE = re.compile(rf"{NOTHING}[ {NOTHING}]*+")
_SCRAPS = f" .,;:()\u2013\u2014-{NOTHING}"
_QUOTES = re.compile(r"'{2,}")
_BOLD, _ITALIC = 3, 2


def without_scraps(text: str) -> str:
    """Return text with single blanks, and without the brackets, separators and blanks that are left where something said nothing."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return _closed_up("\n".join(_without_scraps(line) if NOTHING in line else line for line in lines))


def _without_scraps(text: str) -> str:
    """Return a line on which something said nothing as `without_scraps` leaves it. Patterns begin with a sign, which is found fastest."""
    if not text.strip(_SCRAPS):
        return ""
    text = _EMPTY_BRACKETS.sub(lambda found: NOTHING if NOTHING in found[1] else found[0], text)
    text = _OPENING.sub(lambda found: found[1] if NOTHING in found[2] else found[0], text)
    text = _without_closing(text)
    text = _FIRST_OF_LIST.sub(lambda found: f":{NOTHING}" if NOTHING in found[1] else found[0], text)
    text = _BETWEEN.sub(lambda found: NOTHING if NOTHING in found[1] else found[0], text)
    return _without_places(text)


def _closed_up(text: str) -> str:
    """Return text without blanks inside of brackets and before commas and stops."""
    for loose, close in ((" )", ")"), ("( ", "("), (" ]", "]"), ("[ ", "[")):
        text = text.replace(loose, close)
    return _LOOSE.sub(r"\1", text)


def _without_closing(line: str) -> str:
    """Return a line without the separators before a closing bracket among which something said nothing."""
    parts: list[str] = []
    place = 0
    for found in _CLOSING.finditer(line):
        parts.append(line[place : found.start()].rstrip(" ,;:"))
        place = found.end()
    return "".join([*parts, line[place:]])


def _without_places(line: str) -> str:
    """Return a line without the places where something said nothing, and with one blank where words around them need it."""
    parts: list[str] = []
    place = 0
    for found in _PLACE.finditer(line):
        before = line[place : found.start()]
        place = found.end()
        parts.append(before.removesuffix(" "))
        following = line[place : place + 1]
        has_blank = before.endswith(" ") or " " in found[0]
        if has_blank and following and following not in ".,;:!?)]" and any(parts):
            parts.append(" ")
    return "".join([*parts, line[place:]])


def without_quotes(line: str) -> str:
    """Return a line without the quotes that stand for bold and italic type; those that are left over are apostrophes, as MediaWiki counts them.

    Two are italic, three bold, five both; of four and more than five the first are apostrophes. Where bold and italic are both left open, a
    bold mark is an apostrophe and an italic one.
    """
    if "''" not in line:
        return line
    marks = list(_QUOTES.finditer(line))
    sizes = [_size(len(mark[0])) for mark in marks]
    num_bold, num_italic = sum(size in (3, 5) for size in sizes), sum(size in (2, 5) for size in sizes)
    apostrophe = _misread(line, marks, sizes) if num_bold % 2 and num_italic % 2 else None
    parts: list[str] = []
    place = 0
    for number, (mark, size) in enumerate(zip(marks, sizes, strict=True)):
        parts += [line[place : mark.start()], "'" * (len(mark[0]) - size + (number == apostrophe))]
        place = mark.end()
    return "".join([*parts, line[place:]])


def _size(count: int) -> int:
    return {2: 2, 3: 3, 4: 3}.get(count, 5)


def _misread(line: str, marks: list[re.Match[str]], sizes: list[int]) -> int | None:
    """Return which bold mark is an apostrophe and an italic mark: behind a word of one letter, else behind a word, else behind a blank."""
    bold = [number for number, size in enumerate(sizes) if size == _BOLD]

    def rank(number: int) -> int:
        before = line[max(0, marks[number].start() - 2) : marks[number].start()]
        if before[-1:] in (" ", ""):
            return 2
        return 0 if len(before) < 2 or before[0] == " " else 1

    return min(bold, key=lambda number: (rank(number), number), default=None)
