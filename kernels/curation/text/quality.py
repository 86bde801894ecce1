"""What Gopher's quality rules and FineWeb's count of a text, text by text; compiled. The rules are in `kernels.curation.filters`."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled
from kernels.curation.text.lines import (
    add,
    break_bytes,
    bytes_hash,
    ends_with_ellipsis,
    line_end,
    num_chars,
    num_feeds,
    set_mask,
    skip_space,
    skip_space_back,
)
from kernels.curation.text.spaceless_runs import HAS_LETTER, IS_SYMBOL
from kernels.curation.text.words import Words

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

NUM_WORDS, PLAIN_WORDS, PLAIN_CHARS, LETTER_WORDS, STOP_WORDS, HASHES, ELLIPSES, LINES, BULLET_LINES, ELLIPSIS_LINES = range(10)
"""Columns of `gopher_counts`."""
FILLED_LINES, STOPPED_LINES, SHORT_LINES, REPEATED_CHARS, CHARS, FEEDS, WORDS = range(7)
"""Columns of `fineweb_counts`."""


@compiled
def _count_words(words: Words, row: int, stop_words: U64, counts: I64) -> None:
    bloom = np.uint64(0)
    for stop_word in stop_words:
        bloom |= np.uint64(1) << (stop_word & np.uint64(63))
    found = np.uint64(0)
    for word in range(words.offsets[row], words.offsets[row + 1]):
        flags = words.flags[word]
        counts[NUM_WORDS] += 1
        if not flags & IS_SYMBOL:
            counts[PLAIN_WORDS] += 1
            counts[PLAIN_CHARS] += words.chars[word]
        counts[LETTER_WORDS] += (flags & HAS_LETTER) != 0
        value = words.hash[word]
        if (bloom >> (value & np.uint64(63))) & np.uint64(1):
            for number in range(len(stop_words)):
                if stop_words[number] == value:
                    found |= np.uint64(1) << np.uint64(number)
    while found:
        counts[STOP_WORDS] += np.int64(found & np.uint64(1))
        found >>= np.uint64(1)


@compiled
def _count_marks(data: U8, start: int, end: int, counts: I64) -> None:
    """Count hash signs, runs of three full stops (not overlapping) and ellipses."""
    place = start
    while place < end:
        byte = data[place]
        place += 1
        if byte == 35:
            counts[HASHES] += 1
        elif byte == 46 and place + 1 < end and data[place] == 46 and data[place + 1] == 46:
            counts[ELLIPSES] += 1
            place += 2
        elif byte == 0xE2 and place + 1 < end and data[place] == 0x80 and data[place + 1] == 0xA6:
            counts[ELLIPSES] += 1


@compiled
def _count_lines(data: U8, start: int, end: int, counts: I64) -> None:
    """Count lines, those that begin with a bullet or a hyphen, and those that end with an ellipsis."""
    place = start
    while place < end:
        stop = line_end(data, place, end)
        counts[LINES] += 1
        begin = skip_space(data, place, stop)
        if begin < stop:
            is_bullet = data[begin] == 0xE2 and stop - begin > 2 and data[begin + 1] == 0x80 and data[begin + 2] == 0xA2
            counts[BULLET_LINES] += data[begin] == 45 or is_bullet
            counts[ELLIPSIS_LINES] += ends_with_ellipsis(data, begin, skip_space_back(data, begin, stop))
        place = stop + (break_bytes(data, stop, end) if stop < end else 0)


@compiled
def gopher_counts(words: Words, stop_words: U64) -> I64:
    """Return the counts of N texts: [N, 10] by the columns above. At most 64 stop words, as hashes of `Words`."""
    counts = np.zeros((len(words.offsets) - 1, 10), np.int64)
    for row in range(len(counts)):
        start, end = words.bounds[row], words.bounds[row + 1]
        _count_words(words, row, stop_words, counts[row])
        _count_marks(words.data, start, end, counts[row])
        _count_lines(words.data, start, end, counts[row])
    return counts


@compiled
def _last_char(data: U8, start: int, end: int) -> int:
    """Return the code point of the last character of data[start:end], which is not empty."""
    place = end - 1
    while place > start and (data[place] & 0xC0) == 0x80:
        place -= 1
    byte = np.int64(data[place])
    if byte < 0x80:
        return byte
    value = byte & (0x1F if byte < 0xE0 else (0x0F if byte < 0xF0 else 0x07))
    for index in range(place + 1, end):
        value = value << 6 | (np.int64(data[index]) & 0x3F)
    return value


@compiled
def fineweb_counts(words: Words, stops: U8, short_line_chars: int) -> I64:
    """Return the counts of N texts: [N, 7] by the columns above; ``stops`` says by code point which characters end a line well."""
    counts = np.zeros((len(words.offsets) - 1, 7), np.int64)
    data = words.data
    room = set_mask(num_feeds(data, 0, len(data)) + 2) + 1
    keys = np.empty(room, np.uint64)
    for row in range(len(counts)):
        place, end = words.bounds[row], words.bounds[row + 1]
        own = counts[row]
        own[WORDS] = words.offsets[row + 1] - words.offsets[row]
        mask = set_mask(num_feeds(data, place, end) + 1)
        keys[: mask + 1] = 0
        while place <= end:
            stop = place
            while stop < end and data[stop] != 10:
                stop += 1
            length = num_chars(data, place, stop)
            own[CHARS] += length
            own[FEEDS] += stop < end
            if skip_space(data, place, stop) < stop:
                own[FILLED_LINES] += 1
                own[STOPPED_LINES] += stops[_last_char(data, place, stop)]
                own[SHORT_LINES] += length <= short_line_chars
                if not add(keys, mask, bytes_hash(data, place, stop)):
                    own[REPEATED_CHARS] += length
            place = stop + 1
    return counts
