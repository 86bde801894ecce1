"""Texts as rules read them: characters that only look unlike ASCII's made to be them, and those that nobody sees left out.

Full-width forms and the digits of all scripts stand for ASCII's, and unusual hyphens and spaces beside digits for the usual ones; soft
hyphens, zero-width characters and marks of direction fall out. What rules find is told by places of the text as it was.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Raw = NDArray[np.uint8]

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\ufeff"
_SPACES = "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"
_DIGITS = {char: str(unicodedata.decimal(char)) for char in map(chr, range(0x80, 0x1FBFA)) if not 0xD800 <= ord(char) < 0xE000 and char.isdecimal()}
_FULL_WIDTH = {chr(ord(char) + 0xFEE0): char for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz@.+-_"} | {"\ufe6b": "@", "\u2024": "."}
_PLAIN: dict[str, str] = dict.fromkeys(_SPACES, " ") | dict.fromkeys(_HYPHENS, "-") | dict.fromkeys(_INVISIBLE, "") | _DIGITS | _FULL_WIDTH
_ALWAYS, _BESIDE_DIGITS = 1, 2


def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the row of a character's first two bytes, and by row and third byte what it asks for; rows 0 to 2 ask for their number."""
    row = np.zeros(1 << 16, np.uint8)
    asked = [np.full(256, number, np.uint8) for number in range(3)]
    for char in _PLAIN:
        sign = _BESIDE_DIGITS if char in _SPACES + _HYPHENS else _ALWAYS
        code = char.encode()
        place = code[0] << 8 | code[1]
        if len(code) == 2:
            row[place] = sign
            continue
        if not row[place]:
            row[place] = len(asked)
            asked.append(np.zeros(256, np.uint8))
        asked[row[place]][code[2]] = sign
    return row, np.stack(asked)


_ROW, _ASKED = _tables()


class Folded(NamedTuple):
    """A text as rules read it, and where what was left out stood."""

    text: str
    gaps: tuple[list[int], list[int]]
    """Places of the folded text from which on more characters are missing, rising, and how many then."""

    def origin(self, place: int) -> int:
        """Return where a character of the folded text stood."""
        places, missing = self.gaps
        index = bisect_right(places, place)
        return place + (missing[index - 1] if index else 0)


def fold(text: str, places: Iterable[int]) -> Folded:
    """Return a text with the characters at some places, rising, as rules read them."""
    pieces: list[str] = []
    gaps: tuple[list[int], list[int]] = ([], [])
    done = 0
    for place in places:
        plain = _PLAIN.get(text[place], text[place])  # of characters of four bytes the last is not looked at
        pieces += (text[done:place], plain)
        done = place + 1
        if not plain:
            gaps[0].append(place - len(gaps[0]))
            gaps[1].append(len(gaps[0]))
    return Folded("".join([*pieces, text[done:]]), gaps)


def plain(value: str) -> str:
    """Return a value with all that folding knows."""
    return "".join(_PLAIN.get(char, char) for char in value)


def foldable(raw: Raw, inner: I64) -> I64:
    """Return the places at which characters begin that are to be folded, and of a few that are not. ``inner``: all that continue one."""
    leads = inner[raw[inner - 1] >= 0xC2] - 1
    rows = _ROW[raw[leads].astype(np.uint16) << 8 | raw[leads + 1]]
    leads, rows = leads[rows > 0], rows[rows > 0]
    signs = _ASKED[rows, raw[leads + 2]]
    size = np.where(raw[leads] < 0xE0, 2, 3)
    beside = _is_digit(raw[leads - 1]) | _is_digit(raw[leads + size])
    return leads[(signs == _ALWAYS) | ((signs == _BESIDE_DIGITS) & beside)]


def _is_digit(values: Raw) -> NDArray[np.bool_]:
    return (values - np.uint8(48)) < 10
