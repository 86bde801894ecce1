"""Characters of UTF-8 bytes: white space, width, and which ones end a sentence; compiled."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.reading.articles.compiled import compiled

U8 = NDArray[np.uint8]
WIDE = 2
"""How much more text an ideograph, a kana or a Hangul syllable is than a letter."""


@compiled
def space_bytes(data: U8, place: int, end: int) -> int:
    """Return the bytes of the white space (``str.isspace``) at ``place``, 0 for another character."""
    byte = data[place]
    if byte < 128:
        return 1 if byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31 else 0
    if byte == 0xC2 and place + 1 < end:
        return 2 if data[place + 1] == 0x85 or data[place + 1] == 0xA0 else 0
    if place + 2 >= end or not 0xE1 <= byte <= 0xE3:
        return 0
    second, third = data[place + 1], data[place + 2]
    if byte == 0xE2:
        if second == 0x80 and (third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF):
            return 3
        return 3 if second == 0x81 and third == 0x9F else 0
    is_rare = (byte == 0xE1 and second == 0x9A and third == 0x80) or (byte == 0xE3 and second == 0x80 and third == 0x80)
    return 3 if is_rare else 0


@compiled
def size_of(data: U8, place: int) -> int:
    """Return how much text the byte at ``place`` begins: 0 within a character, 1 for a letter, more for one that stands for a syllable or word."""
    byte = data[place]
    if byte & 0xC0 == 0x80:
        return 0
    if byte >= 0xE3 and byte <= 0xED:
        return 1 + WIDE
    return 1


@compiled
def last_character(data: U8, start: int, end: int) -> int:
    """Return the code point of the last character of bytes that are not empty."""
    place = end - 1
    code, shift = 0, 0
    while place > start and data[place] & 0xC0 == 0x80:
        code |= (data[place] & 0x3F) << shift
        shift += 6
        place -= 1
    lead = data[place]
    if lead < 128:
        return int(lead)
    return code | (lead & (0x1F if lead < 0xE0 else 0x0F if lead < 0xF0 else 0x07)) << shift


@compiled
def ends_sentence(code: int) -> bool:
    """Return whether a character ends a sentence, a quotation or what introduces a list, in any script."""
    if code < 128:
        return code == 46 or code == 33 or code == 63 or code == 34 or code == 39 or code == 41 or code == 58
    if code < 0x2000:
        return code == 0xBB or code == 0x61F or code == 0x6D4 or code == 0x964 or code == 0x965 or code == 0x589 or code == 0x104B or code == 0x1362
    if code < 0x3000:
        return code == 0x2019 or code == 0x201C or code == 0x201D or code == 0x2026 or code == 0x203A
    return code == 0x3002 or code == 0x300D or code == 0x300F or code == 0xFF01 or code == 0xFF1F or code == 0xFF09 or code == 0xFF0E


@compiled
def is_letter_or_digit(byte: int) -> bool:
    """Return whether a byte is an ASCII letter or digit, or part of a character beyond ASCII."""
    return byte >= 128 or 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122
