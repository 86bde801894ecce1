"""The compiled loop that normalises UTF-8 by tables of code points (`kernels.curation.text.normalised` says what that is).

What stands between two words is a gap. A gap that holds a sign, or marks as code and mathematics have them and prose does not, becomes a word
of its own; any other gap says nothing.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]

SPACE = 0
MARK = 1
"""Says nothing: punctuation of prose, control characters."""
TIGHT = 2
"""ASCII punctuation that prose and code share: it says something only where prose would not have it."""
SIGN = 3
"""An operator, a currency, a symbol: always says something."""
WORD = 4
ALONE = 5
"""A character of a script without spaces between words: a word of its own."""

ASK = 0xFFFFFFFF
NONE = -1
_HYPHEN, _STOP, _BANG, _COLON, _OPEN, _CLOSE, _QUOTE, _APOSTROPHE, _UNDERSCORE = 0x2D, 0x2E, 0x21, 0x3A, 0x28, 0x29, 0x22, 0x27, 0x5F


class Gap(NamedTuple):
    """The bytes between two words, and the code points of the characters beside it (`NONE` at the ends of a text)."""

    start: int
    end: int
    left: int
    right: int


@compiled
def decode(data: U8, place: int) -> tuple[int, int]:
    """Return the code point of valid UTF-8 at a place, and its length in bytes."""
    first = np.int64(data[place])
    if first < 0x80:
        return first, 1
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (np.int64(data[place + 1]) & 0x3F), 2
    if first < 0xF0:
        return ((first & 0x0F) << 12) | ((np.int64(data[place + 1]) & 0x3F) << 6) | (np.int64(data[place + 2]) & 0x3F), 3
    high = ((first & 0x07) << 18) | ((np.int64(data[place + 1]) & 0x3F) << 12)
    return high | ((np.int64(data[place + 2]) & 0x3F) << 6) | (np.int64(data[place + 3]) & 0x3F), 4


@compiled
def _encode(code: int, out: U8, place: int) -> int:
    """Write a code point and return the place behind it."""
    if code < 0x80:
        out[place] = code
        return place + 1
    if code < 0x800:
        out[place] = 0xC0 | (code >> 6)
        out[place + 1] = 0x80 | (code & 0x3F)
        return place + 2
    if code < 0x10000:
        out[place] = 0xE0 | (code >> 12)
        out[place + 1] = 0x80 | ((code >> 6) & 0x3F)
        out[place + 2] = 0x80 | (code & 0x3F)
        return place + 3
    out[place] = 0xF0 | (code >> 18)
    out[place + 1] = 0x80 | ((code >> 12) & 0x3F)
    out[place + 2] = 0x80 | ((code >> 6) & 0x3F)
    out[place + 3] = 0x80 | (code & 0x3F)
    return place + 4


@compiled
def _is_digit(code: int) -> bool:
    return 0x30 <= code <= 0x39


@compiled
def _is_figure(code: int) -> bool:
    """Return whether a character is a digit of ASCII, of Arabic or Persian, of Devanagari, or of full width."""
    return _is_digit(code) or 0x660 <= code <= 0x669 or 0x6F0 <= code <= 0x6F9 or 0x966 <= code <= 0x96F or 0xFF10 <= code <= 0xFF19


@compiled
def _is_dash(code: int) -> bool:
    """Return whether a character may be written for a minus: hyphens and the dash of figures, of full width too, but not the long dashes of prose."""
    return code == _HYPHEN or 0x2010 <= code <= 0x2013 or code in (0xFE63, 0xFF0D)


@compiled
def _is_tight_between_words(data: U8, gap: Gap, kinds: U8) -> bool:
    """Return whether marks alone join two words as in ``1.5`` or ``f(x)``; hyphens, underscores, quotes and apostrophes join words of prose."""
    if gap.left < 0 or gap.right < 0 or kinds[gap.left] != WORD or kinds[gap.right] != WORD:
        return False
    joiners = 0
    for place in range(gap.start, gap.end):
        byte = data[place]
        if byte >= 0x80 or kinds[byte] != TIGHT:
            return False
        joiners += byte in (_HYPHEN, _UNDERSCORE, _QUOTE, _APOSTROPHE)
    return joiners < gap.end - gap.start


@compiled
def _says_something(data: U8, gap: Gap, kinds: U8) -> bool:
    """Return whether a gap has a sign, a hyphen that touches no word before it, a minus of any form, ``!x``, ``.5``, or ``3 : 5``."""
    place = gap.start
    before = SPACE if gap.left < 0 else WORD
    while place < gap.end:
        code, length = decode(data, place)
        kind = kinds[code]
        last = place + length == gap.end and gap.right >= 0
        if kind == SIGN or (code == _HYPHEN and before != WORD and kind == TIGHT):
            return True
        alone = place == gap.start and gap.left >= 0 and kinds[gap.left] == ALONE
        if last and kinds[_HYPHEN] == TIGHT and _is_dash(code) and _is_figure(gap.right) and (alone or before != WORD):
            return True
        if kind == TIGHT and before != WORD and last and (code == _BANG or (code == _STOP and data[place - 1] != _STOP)):
            return True
        spaced = kind == TIGHT and before == SPACE and place + 1 < gap.end and kinds[data[place + 1]] == SPACE
        if spaced and gap.left >= 0 and _is_digit(gap.left) and _is_digit(gap.right):
            return True
        before = before if code == _HYPHEN and before == WORD else kind  # ``pre--``: the second one touches the word through the first
        place += length
    return False


@compiled
def _write_gap(data: U8, gap: Gap, kinds: U8, out: U8, write: int, begin: int) -> int:
    """Write the signs of a gap that says something as words, parted where they are, and return the place behind them."""
    tight = _is_tight_between_words(data, gap, kinds)
    if not tight and not _says_something(data, gap, kinds):
        return write
    place, parted = gap.start, True
    while place < gap.end:
        code, length = decode(data, place)
        place += length
        last = place == gap.end and gap.right >= 0
        point = code == _STOP and last
        if kinds[code] == MARK and last and _is_dash(code) and _is_figure(gap.right):
            code = _HYPHEN
        if kinds[code] == SIGN or (kinds[code] == TIGHT and (tight or point or code in (_HYPHEN, _BANG, _COLON, _OPEN, _CLOSE))):
            if parted and write > begin:
                out[write] = 32
                write += 1
            parted = False
            write = _encode(code, out, write)
        parted |= kinds[code] == SPACE
    return write


@compiled
def _write_marks(data: U8, place: int, end: int, table: U32, kinds: U8, out: U8, begin: int) -> int:
    """Write all of a text without any word but its white space, so that texts of marks differ from each other."""
    write = begin
    while place < end:
        code, length = decode(data, place)
        place += length
        if kinds[code] != SPACE:
            write = _encode(np.int64(table[code]), out, write)
    return write


@compiled
def _ascii_words(table: U32, kinds: U8) -> U8:
    """Return the lower case of the ASCII characters that are of words, 0 for all other bytes: [256]."""
    plain = np.zeros(256, np.uint8)
    for code in range(0x80):
        if kinds[code] == WORD:
            plain[code] = table[code]
    return plain


@compiled
def _copy_plain(data: U8, place: int, end: int, plain: U8, out: U8, write: int) -> tuple[int, int]:
    """Write what follows a word's beginning as long as it is ASCII words parted by single blanks, most of most texts; return both places."""
    while place < end:
        lower = plain[data[place]]
        if lower == 0:
            if data[place] != 32 or place + 1 == end or plain[data[place + 1]] == 0:
                break
            lower = np.uint8(32)
        out[write] = lower
        write += 1
        place += 1
    return place, write


@compiled
def _normalise_one(data: U8, place: int, end: int, tables: tuple[U32, U8, U8], out: U8, begin: int) -> int:
    """Write the normalised text from ``begin`` on and return the place behind it, or -1 where the table cannot tell."""
    table, kinds, plain = tables
    first, write, gap_start = place, begin, place
    left, left_kind = NONE, SPACE
    gap, marked, touched, num_words = True, False, NONE, 0  # touched: behind the marks that touch the word before them, which say little
    while place < end:
        code, length = decode(data, place)
        kind = kinds[code]
        if kind < WORD:
            if not gap:
                gap, marked, gap_start, touched = True, False, place, place
            if kind == TIGHT and touched == place:
                touched += length
            else:
                marked |= kind >= TIGHT or _is_dash(code)
            place += length
            continue
        lower = np.int64(table[code])
        if lower == ASK:
            return -1
        if gap or kind == ALONE or left_kind == ALONE:
            if gap and (marked or touched == place):
                write = _write_gap(data, Gap(gap_start, place, left, code), kinds, out, write, begin)
            if write > begin:
                out[write] = 32
                write += 1
            num_words += 1
        write = _encode(lower, out, write)
        left, left_kind, gap = code, kind, False
        place += length
        if kind == WORD:
            begun = place
            place, write = _copy_plain(data, place, end, plain, out, write)
            left = np.int64(data[place - 1]) if place > begun else left
    if num_words == 0:
        return _write_marks(data, first, end, table, kinds, out, begin)
    if gap and marked:
        write = _write_gap(data, Gap(gap_start, end, left, NONE), kinds, out, write, begin)
    return write


@compiled
def normalise_all(data: U8, offsets: I64, tables: tuple[U32, U8]) -> tuple[U8, I64, NDArray[np.bool_]]:
    """Return N normalised texts end to end, their N + 1 offsets, and which ones the table cannot tell (they take no bytes)."""
    # At worst every byte becomes a word of its own.
    out = np.empty(2 * len(data) + 4, np.uint8)
    bounds = np.zeros(len(offsets), np.int64)
    asks = np.zeros(len(offsets) - 1, np.bool_)
    table, kinds = tables
    all_tables = (table, kinds, _ascii_words(table, kinds))
    for text in range(len(asks)):
        end = _normalise_one(data, offsets[text], offsets[text + 1], all_tables, out, bounds[text])
        asks[text] = end < 0
        bounds[text + 1] = bounds[text] if end < 0 else end
    return out[: bounds[-1]], bounds, asks
