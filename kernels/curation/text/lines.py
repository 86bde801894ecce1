"""Lines of UTF-8 texts, the way Python's string methods see them, and sets of hashes; compiled."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled

U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]


@compiled
def space_bytes(data: U8, place: int, end: int) -> int:
    """Return the bytes of the white-space character (``str.isspace``) at ``place``, 0 for another character."""
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
def break_bytes(data: U8, place: int, end: int) -> int:
    """Return the bytes of the line break (``str.splitlines``) at ``place``, 0 for another character."""
    byte = data[place]
    if byte == 13:
        return 2 if place + 1 < end and data[place + 1] == 10 else 1
    if byte < 128:
        return 1 if 10 <= byte <= 12 or 28 <= byte <= 30 else 0
    if byte == 0xC2:
        return 2 if place + 1 < end and data[place + 1] == 0x85 else 0
    is_separator = byte == 0xE2 and place + 2 < end and data[place + 1] == 0x80 and (data[place + 2] == 0xA8 or data[place + 2] == 0xA9)
    return 3 if is_separator else 0


@compiled
def line_end(data: U8, place: int, end: int) -> int:
    """Return where the line that begins at ``place`` ends, its break not included."""
    while place < end:
        byte = data[place]
        if (byte < 32 or byte == 0xC2 or byte == 0xE2) and break_bytes(data, place, end) > 0:
            return place
        place += 1
    return end


@compiled
def skip_space(data: U8, place: int, end: int) -> int:
    """Return the first place from ``place`` on that is not white space."""
    while place < end:
        width = space_bytes(data, place, end)
        if width == 0:
            break
        place += width
    return place


@compiled
def skip_space_back(data: U8, start: int, end: int) -> int:
    """Return the end of data[start:end] less the white space at its end."""
    while end > start:
        if space_bytes(data, end - 1, end) == 1:
            end -= 1
        elif end - start > 1 and space_bytes(data, end - 2, end) == 2:
            end -= 2
        elif end - start > 2 and space_bytes(data, end - 3, end) == 3:
            end -= 3
        else:
            break
    return end


@compiled
def num_chars(data: U8, start: int, end: int) -> int:
    """Return the characters of data[start:end]."""
    count = 0
    for place in range(start, end):
        count += (data[place] & 0xC0) != 0x80
    return count


@compiled
def num_feeds(data: U8, start: int, end: int) -> int:
    """Return the line feeds in data[start:end]."""
    count = 0
    for place in range(start, end):
        count += data[place] == 10
    return count


@compiled
def ends_with_ellipsis(data: U8, start: int, end: int) -> bool:
    """Return whether data[start:end] ends with three full stops or with an ellipsis."""
    if end - start < 3:
        return False
    first, second, third = data[end - 3], data[end - 2], data[end - 1]
    return (first == 46 and second == 46 and third == 46) or (first == 0xE2 and second == 0x80 and third == 0xA6)


@compiled
def eight_bytes(data: U8, place: int) -> np.uint64:
    """Return data[place : place + 8] as one number."""
    value = np.uint64(0)
    for index in range(8):
        value |= np.uint64(data[place + index]) << np.uint64(8 * index)
    return value


@compiled
def bytes_hash(data: U8, start: int, end: int) -> np.uint64:
    """Return a hash of data[start:end], never 0."""
    value = np.uint64(end - start) * np.uint64(0x9E3779B97F4A7C15)
    place = start
    while place + 8 <= end:
        value = (value ^ eight_bytes(data, place)) * np.uint64(0x94D049BB133111EB)
        value ^= value >> np.uint64(32)
        place += 8
    while place < end:
        value = (value ^ np.uint64(data[place])) * np.uint64(1099511628211)
        place += 1
    value ^= value >> np.uint64(32)
    return (value * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1)


@compiled
def set_mask(count: int) -> int:
    """Return the mask of a set for ``count`` hashes, at most half full."""
    size = 16
    while size < 2 * count:
        size *= 2
    return size - 1


@compiled
def find(keys: U64, mask: int, value: np.uint64) -> int:
    """Return the slot of a hash in an open-addressing set, or the free slot (0) where it belongs. No hash may be 0."""
    slot = np.int64(value >> np.uint64(32)) & mask
    while keys[slot] != value and keys[slot] != 0:
        slot = (slot + 1) & mask
    return slot


@compiled
def add(keys: U64, mask: int, value: np.uint64) -> bool:
    """Add a hash to a set; return whether it is new."""
    slot = find(keys, mask, value)
    is_new = keys[slot] == 0
    keys[slot] = value
    return is_new
