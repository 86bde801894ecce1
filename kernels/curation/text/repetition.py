"""Repetition of lines, paragraphs and word n-grams, text by text; compiled. The rules are in `kernels.curation.filters.gopher_repetition`."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled
from kernels.curation.text.lines import add, bytes_hash, eight_bytes, find, num_chars, num_feeds, set_mask
from kernels.curation.text.spaceless_runs import BASE
from kernels.curation.text.words import Words

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]

PARAGRAPHS, PARAGRAPH_CHARS, LINES, LINE_CHARS, TOP, DUPLICATES = 1, 2, 3, 4, 100, 200
"""Which rule fails first; n is added to the last two."""

ANCHOR_BYTES = 16

_INVERSE = np.multiply.accumulate(np.array([1] + [pow(BASE, -1, 1 << 64)] * 255, np.uint64))


class Limits(NamedTuple):
    """Greatest shares; infinity where a rule is off."""

    paragraphs: float
    paragraph_chars: float
    lines: float
    line_chars: float
    top_n: I64
    """Ascending."""
    top_share: F64
    duplicate_n: I64
    duplicate_share: F64


class _Scratch(NamedTuple):
    """Room for a set of hashes, and for one text's words."""

    keys: U64
    values: I64
    """Beside each key: for n-grams their count << 32 | how far the first is from the end; else the first word."""
    slots: I64
    """Where the n-gram that begins with each word was counted."""
    chars: I64
    """Running sum of characters."""
    sums: U64
    back: U64
    """Running sums, from which the hash of any words joined without blanks follows in constant time."""
    joined: U8
    """The words' UTF-8 joined without blanks, and `ANCHOR_BYTES` more."""
    places: I64
    """Where each word begins there."""
    shared: U8
    """Whether the `ANCHOR_BYTES` from a word on are found at another word too."""


@compiled
def _blocks(data: U8, start: int, end: int, min_breaks: int, keys: U64) -> tuple[int, int, int]:
    """Return the blocks between runs of at least ``min_breaks`` line feeds, how many occurred before, and the characters of those."""
    feeds = num_feeds(data, start, end)
    if feeds < min_breaks:
        return 1, 0, 0
    mask = set_mask(feeds + 1)
    keys[: mask + 1] = 0
    blocks, repeats, chars = 0, 0, 0
    place = begin = start
    while True:
        while place < end and data[place] != 10:
            place += 1
        feeds = place
        while feeds < end and data[feeds] == 10:
            feeds += 1
        if place < end and feeds - place < min_breaks:
            place = feeds
            continue
        blocks += 1
        if not add(keys, mask, bytes_hash(data, begin, place)):
            repeats += 1
            chars += num_chars(data, begin, place)
        if place >= end:
            return blocks, repeats, chars
        begin = place = feeds


@compiled
def _top(hashes: U64, n: int, scratch: _Scratch) -> int:
    """Return the characters, blanks between words included, of all occurrences of the commonest n-gram; of several, the first counts."""
    num_grams = len(hashes) - n + 1
    mask = set_mask(num_grams)
    scratch.keys[: mask + 1] = 0
    best = np.int64(0)
    for place in range(num_grams):
        value = np.uint64(n)
        for word in range(place, place + n):
            value = (value ^ hashes[word]) * np.uint64(BASE)
            value ^= value >> np.uint64(29)
        slot = find(scratch.keys, mask, value | np.uint64(1))
        if scratch.keys[slot] == 0:
            scratch.keys[slot] = value | np.uint64(1)
            scratch.values[slot] = num_grams - place
        scratch.values[slot] += 1 << 32
        scratch.slots[place] = slot
        best = max(best, scratch.values[slot])
    first = num_grams - (best & 0xFFFFFFFF)
    return (best >> 32) * (scratch.chars[first + n] - scratch.chars[first] + n - 1)


@compiled
def _top_bound(n: int, counted: int, scratch: _Scratch, size: int) -> int:
    """Return what no n-gram's characters in all occurrences exceed: it is no commoner than the shorter one, counted before, it begins with."""
    if counted == 0:
        return size * scratch.chars[size]
    bound = np.int64(0)
    for place in range(size - n + 1):
        count = scratch.values[scratch.slots[place]] >> 32
        bound = max(bound, count * (scratch.chars[place + n] - scratch.chars[place] + n - 1))
    return bound


@compiled
def _repeated_chars(n: int, scratch: _Scratch, size: int) -> int:
    """Return the characters in n-grams that occurred before; one that did is stepped over whole, and not remembered.

    N-grams are compared joined without blanks. One of at least `ANCHOR_BYTES` whose beginning is found nowhere else can neither repeat
    nor be repeated: it is passed by.
    """
    mask = set_mask(size)
    is_empty = True
    total = place = 0
    while place < size - n + 1:
        if not scratch.shared[place] and scratch.places[place + n] - scratch.places[place] >= ANCHOR_BYTES:
            place += 1
            continue
        if is_empty:
            scratch.keys[: mask + 1] = 0
            is_empty = False
        value = (scratch.sums[place + n] - scratch.sums[place]) * scratch.back[place]
        value ^= value >> np.uint64(31)
        value *= np.uint64(0xBF58476D1CE4E5B9)
        if add(scratch.keys, mask, value | np.uint64(1)):
            place += 1
        else:
            total += scratch.chars[place + n] - scratch.chars[place]
            place += n
    return total


@compiled
def _join(words: Words, low: int, high: int, scratch: _Scratch) -> None:
    """Fill the characters and the joined words."""
    size = 0
    scratch.chars[0] = scratch.places[0] = 0
    for word in range(low, high):
        start, end = words.start[word], words.end[word]
        if end - start <= ANCHOR_BYTES and start + ANCHOR_BYTES <= len(words.data):
            for byte in range(ANCHOR_BYTES):  # a whole register at once: what is too much is written over
                scratch.joined[size + byte] = words.data[start + byte]
        else:
            scratch.joined[size : size + end - start] = words.data[start:end]
        size += end - start
        scratch.places[word - low + 1] = size
        scratch.chars[word - low + 1] = scratch.chars[word - low] + words.chars[word]
    scratch.joined[size : size + ANCHOR_BYTES] = 0


@compiled
def _sum_up(words: Words, low: int, high: int, scratch: _Scratch) -> None:
    """Fill the running sums of hashes."""
    forward, back = np.uint64(1), np.uint64(1)
    scratch.sums[0], scratch.back[0] = 0, 1
    for word in range(low, high):
        scratch.sums[word - low + 1] = scratch.sums[word - low] + forward * words.hash[word]
        forward *= words.power[word]
        length = np.int64(words.chars[word])
        while length > 255:
            back *= _INVERSE[255]
            length -= 255
        back *= _INVERSE[length]
        scratch.back[word - low + 1] = back


@compiled
def _anchor(joined: U8, place: int) -> np.uint64:
    """Return a hash of the `ANCHOR_BYTES` from a place on."""
    first, second = eight_bytes(joined, place), eight_bytes(joined, place + 8)
    value = (first * np.uint64(BASE)) ^ ((second ^ (first >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9))
    value ^= value >> np.uint64(32)
    return (value * np.uint64(0x94D049BB133111EB)) | np.uint64(1)


@compiled
def _mark_shared(scratch: _Scratch, size: int) -> None:
    """Fill ``shared``. Anchors that run past the last word are no n-gram's and may be marked or not."""
    mask = set_mask(size)
    scratch.keys[: mask + 1] = 0
    for word in range(size):
        value = _anchor(scratch.joined, scratch.places[word])
        slot = find(scratch.keys, mask, value)
        if scratch.keys[slot] == 0:
            scratch.keys[slot], scratch.values[slot], scratch.shared[word] = value, word, 0
        else:
            scratch.shared[word] = scratch.shared[scratch.values[slot]] = 1


@compiled
def _judge_blocks(words: Words, row: int, limits: Limits, length: int, keys: U64) -> tuple[int, float]:
    start, end = words.bounds[row], words.bounds[row + 1]
    first, last = words.start[words.offsets[row]], words.end[words.offsets[row + 1] - 1]
    blocks, repeats, chars = _blocks(words.data, first, last, 2, keys)
    if repeats / blocks > limits.paragraphs:
        return PARAGRAPHS, repeats / blocks
    if chars / length > limits.paragraph_chars:
        return PARAGRAPH_CHARS, chars / length
    blocks, repeats, chars = _blocks(words.data, start, end, 1, keys)
    if repeats / blocks > limits.lines:
        return LINES, repeats / blocks
    return (LINE_CHARS, chars / length) if chars / length > limits.line_chars else (0, 0.0)


@compiled
def _judge(words: Words, row: int, limits: Limits, scratch: _Scratch) -> tuple[int, float]:
    """Return the first rule that a text fails and its share, 0 where it passes all."""
    low, high = words.offsets[row], words.offsets[row + 1]
    size = high - low
    if size == 0:
        return 0, 0.0
    length = num_chars(words.data, words.bounds[row], words.bounds[row + 1])
    failed, share = _judge_blocks(words, row, limits, length, scratch.keys)
    if failed:
        return failed, share
    _join(words, low, high, scratch)
    counted = 0
    for rule in range(len(limits.top_n)):
        n, limit = limits.top_n[rule], limits.top_share[rule]
        if size < n or _top_bound(n, counted, scratch, size) / length <= limit:
            continue
        chars, counted = _top(words.hash[low:high], n, scratch), n
        if chars / length > limit:
            return TOP + n, chars / length
    if len(limits.duplicate_n):
        _mark_shared(scratch, size)
        _sum_up(words, low, high, scratch)
    for rule in range(len(limits.duplicate_n)):
        n = limits.duplicate_n[rule]
        share = _repeated_chars(n, scratch, size) / length
        if share > limits.duplicate_share[rule]:
            return DUPLICATES + n, share
    return 0, 0.0


@compiled
def _judge_all(words: Words, limits: Limits, scratch: _Scratch, failed: I64, share: F64) -> None:
    for row in range(len(failed)):
        failed[row], share[row] = _judge(words, row, limits, scratch)


def judge(words: Words, limits: Limits) -> tuple[I64, F64]:
    """Return for each of N texts the first rule that it fails (0 for none) and the share that fails it."""
    num_texts = len(words.offsets) - 1
    longest = int(np.diff(words.offsets).max(initial=0))
    room = set_mask(max(longest, np.count_nonzero(words.data == 10) + 2)) + 1
    scratch = _Scratch(
        np.empty(room, np.uint64),
        np.empty(room, np.int64),
        np.empty(longest + 1, np.int64),
        np.empty(longest + 1, np.int64),
        np.empty(longest + 1, np.uint64),
        np.empty(longest + 1, np.uint64),
        np.empty(int(np.diff(words.bounds).max(initial=0)) + ANCHOR_BYTES, np.uint8),
        np.empty(longest + 1, np.int64),
        np.empty(longest + 1, np.uint8),
    )
    failed, share = np.zeros(num_texts, np.int64), np.zeros(num_texts)
    _judge_all(words, limits, scratch, failed, share)
    return failed, share
