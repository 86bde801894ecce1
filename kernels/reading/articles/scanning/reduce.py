"""A page's HTML without what is no text: scripts, styles, drawings, comments, and attributes that name nothing; compiled.

What a parser has to read is a third of most pages then. Tags are told as in https://html.spec.whatwg.org/multipage/parsing.html#tokenization, and
what begins like an element that is left out but never ends is left to the parser.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning.page import LESS, U8
from kernels.reading.articles.scanning.tags import hash_of

Flags = NDArray[np.bool_]
SLASH, MORE, EQUALS, EXCLAMATION, QUESTION, DASH, DOUBLE, SINGLE = 47, 62, 61, 33, 63, 45, 34, 39
RAW = tuple(hash_of(tag) for tag in (b"script", b"style", b"noscript", b"svg", b"iframe", b"textarea", b"template", b"noframes"))
"""Elements that are left out up to the first end tag of their name."""
PLAIN = hash_of(b"title")
"""One whose content is text, whatever it looks like."""
KEPT = tuple(hash_of(name) for name in (b"class", b"id", b"role", b"itemprop", b"style", b"hidden", b"aria-hidden", b"alttext", b"encoding"))


@compiled
def reduced(data: U8) -> U8:
    """Return the bytes of a page that a parser needs to see."""
    end = len(data)
    out = np.empty(end + end // 4 + 8, np.uint8)  # attributes that nothing parted are parted by a blank: at most one in five bytes
    place, written = 0, 0
    never_end = np.zeros(len(RAW), np.bool_)  # so that no name is looked for in vain twice
    while place < end:
        following = data[place + 1] if data[place] == LESS and place + 1 < end else 0
        if following in (EXCLAMATION, QUESTION):
            place = _end_of_comment(data, place, end)
        elif following == SLASH and place + 2 < end and _is_letter(data[place + 2]):
            name_end, _ = _name(data, place + 2, end)
            written = _copy(data, place, name_end, out, written)
            place, written = _attributes(data, name_end, end, True, out, written)
        elif _is_letter(following):
            place, written = _element(data, place, end, out, written, never_end)
        else:
            out[written] = data[place]
            written += 1
            place += 1
    return out[:written]


@compiled
def _element(data: U8, place: int, end: int, out: U8, written: int, never_end: Flags) -> tuple[int, int]:
    """Copy an opening tag, with its text where tags mean nothing in it, or leave its element out; return where that ends, and the copy."""
    name_end, tag = _name(data, place + 1, end)
    raw = _number(tag)
    if raw >= 0:
        inside, _ = _attributes(data, name_end, end, True, out, written)
        if out[written] == SLASH:
            return inside, written
        behind = 0 if never_end[raw] else _behind_end_tag(data, inside, end, tag)
        if behind:
            return behind, written
        never_end[raw] = True
    written = _copy(data, place, name_end, out, written)
    place, written = _attributes(data, name_end, end, False, out, written)
    if tag == PLAIN and place < end:
        stop = _end_tag(data, place, end, tag)
        return stop, _copy(data, place, stop, out, written)
    return place, written


@compiled
def _copy(data: U8, place: int, stop: int, out: U8, written: int) -> int:
    """Copy bytes; return where the copy ends."""
    out[written : written + stop - place] = data[place:stop]
    return written + stop - place


@compiled
def _is_letter(byte: int) -> bool:
    return 97 <= byte | 32 <= 122


@compiled
def _number(tag: int) -> int:
    """Return which of the elements that are left out this is, -1 for another."""
    for number in range(len(RAW)):
        if RAW[number] == tag:
            return number
    return -1


@compiled
def _name(data: U8, start: int, end: int) -> tuple[int, int]:
    """Return where the name of a tag ends, and its hash without regard to case."""
    place, value = start, 0
    while place < end and data[place] != MORE and data[place] != SLASH and data[place] > 32:
        byte = data[place]
        value = (value * 257 + (byte | 32 if 65 <= byte <= 90 else byte)) & 0x7FFFFFFF
        place += 1
    return place, value


@compiled
def _end_of_comment(data: U8, place: int, end: int) -> int:
    """Return what follows a comment, a document type or an instruction."""
    if place + 3 < end and data[place + 1] == EXCLAMATION and data[place + 2] == DASH and data[place + 3] == DASH:
        stop = place + 4
        if stop < end and data[stop] == MORE:
            return stop + 1
        while stop < end and not (data[stop] == MORE and _ends_comment(data, stop - 1)):
            stop += 1
        return stop + 1
    stop = place + 2
    while stop < end and data[stop] != MORE:
        stop += 1
    return stop + 1


@compiled
def _ends_comment(data: U8, place: int) -> bool:
    """Return whether what precedes a ``>`` ends a comment: two dashes, perhaps with an exclamation mark behind them."""
    last = place - 1 if data[place] == EXCLAMATION else place
    return data[last] == DASH and data[last - 1] == DASH


@compiled
def _end_tag(data: U8, place: int, end: int, tag: int) -> int:
    """Return where the next end tag of a name begins, the end where there is none."""
    while place + 2 < end:
        if data[place] == LESS and data[place + 1] == SLASH and _name(data, place + 2, end)[1] == tag:
            return place
        place += 1
    return end


@compiled
def _behind_end_tag(data: U8, place: int, end: int, tag: int) -> int:
    """Return what follows the next end tag of a name, 0 where there is none."""
    place = _end_tag(data, place, end, tag)
    while place < end and data[place] != MORE:
        place += 1
    return place + 1 if place < end else 0


@compiled
def _attributes(data: U8, place: int, end: int, is_end_tag: bool, out: U8, written: int) -> tuple[int, int]:
    """Copy the attributes of a tag that may name something, and its end; return where that is, and where the copy ends."""
    is_empty = False
    while place < end and data[place] != MORE:
        is_empty = data[place] == SLASH
        if data[place] <= 32 or is_empty:
            place += 1
            continue
        start, value = place, 0
        while place < end and (data[place] != EQUALS or place == start) and data[place] != MORE and data[place] != SLASH and data[place] > 32:
            byte = data[place]
            value = (value * 257 + (byte | 32 if 65 <= byte <= 90 else byte)) & 0x7FFFFFFF
            place += 1
        place = _end_of_value(data, place, end)
        if value in KEPT and not is_end_tag:
            out[written] = 32
            out[written + 1 : written + 1 + place - start] = data[start:place]
            written += 1 + place - start
    if is_empty:
        out[written] = SLASH
        written += 1
    out[written] = MORE
    return place + 1, written + 1


@compiled
def _end_of_value(data: U8, place: int, end: int) -> int:
    """Return where the value behind the name of an attribute ends, ``place`` where it has none."""
    stop = place
    while stop < end and data[stop] <= 32:
        stop += 1
    if stop >= end or data[stop] != EQUALS:
        return place
    stop += 1
    while stop < end and data[stop] <= 32:
        stop += 1
    if stop < end and (data[stop] == DOUBLE or data[stop] == SINGLE):
        quote = data[stop]
        stop += 1
        while stop < end and data[stop] != quote:
            stop += 1
        return min(stop + 1, end)
    while stop < end and data[stop] != MORE and data[stop] > 32:
        stop += 1
    return stop
