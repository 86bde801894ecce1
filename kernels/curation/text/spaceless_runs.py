"""From flat UTF-8 to words: find runs without white space, look their words up, split those never seen before.

Most runs of a corpus have been seen before (Heaps' law), so a run costs one hash and one look-up. What is stored of a run are its
words, in `Pieces`; where the splitter does not know (`ASK`), the caller does.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled
from kernels.curation.text.affixes import ASK, Rules, split_run
from kernels.curation.text.characters import LETTER, PUNCTUATION, SENTENCE_END, SYMBOL
from kernels.curation.text.lines import skip_space, space_bytes

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

IS_SYMBOL = 1
"""Nothing but symbols."""
HAS_LETTER = 2
IS_PUNCTUATION = 4
"""Nothing but punctuation."""
ENDS_SENTENCE = 8
AFTER_GAP = 16
"""White space other than one blank stands before it."""

MAX_ASK_CHARS = 2000
"""A longer run is split by the rules alone, so that no hostile text costs more than time in proportion to its length."""

BASE = 0x9E3779B97F4A7C15


Slots = U64
"""Open-addressing table of runs, [2**k, 2]: the run's hash (0 is free), then its first piece << 32 | its number of pieces."""

Pieces = U64
"""Words of the runs seen so far, run after run, [P, 3]: hash, power, then UTF-8 bytes << 36 | characters << 8 | flags.

The hash is a polynomial over the code points: hash(ab) = hash(a) + power(a) * hash(b). One row is one cache line at most.
"""


class Runs(NamedTuple):
    """Runs without white space of N texts: byte span, hash, then what the table holds of it, whether a gap stands before it, offsets by text."""

    start: I32
    end: I32
    key: U64
    entry: U64
    gap: U8
    offsets: I64


@compiled
def find_runs(data: U8, offsets: I64, runs: Runs) -> int:
    """Fill ``runs`` but for the entries; return their number."""
    count = 0
    for text in range(len(offsets) - 1):
        place, end = offsets[text], offsets[text + 1]
        runs.offsets[text] = count
        is_first = True
        while place < end:
            begin = place
            place = skip_space(data, place, end)
            if place >= end:
                break
            gap = place > begin and (is_first or place - begin > 1 or data[begin] != 32)
            is_first = False
            start = place
            value = np.uint64(14695981039346656037)
            while place < end:
                byte = data[place]
                if (byte <= 32 or byte == 0xC2 or 0xE1 <= byte <= 0xE3) and space_bytes(data, place, end) > 0:
                    break
                value = (value ^ np.uint64(byte)) * np.uint64(1099511628211)
                place += 1
            value ^= value >> np.uint64(32)
            runs.start[count], runs.end[count], runs.gap[count] = start, place, gap
            runs.key[count] = (value * np.uint64(BASE)) | np.uint64(1)
            count += 1
    runs.offsets[len(offsets) - 1] = count
    return count


@compiled
def look_up(runs: Runs, num_runs: int, slots: Slots, missing: I64) -> int:
    """Fill the entries of known runs, claim a slot for each run not seen before and list those; return the number of missing ones.

    A loop of its own, so that the look-ups, most of which miss the cache, overlap.
    """
    mask = np.int64(len(slots) - 1)
    absent = 0
    for run in range(num_runs):
        key = runs.key[run]
        slot = np.int64(key >> np.uint64(20)) & mask
        while slots[slot, 0] != key and slots[slot, 0] != 0:
            slot = (slot + 1) & mask
        if slots[slot, 0] == 0:
            slots[slot, 0] = key
            missing[absent] = run
            absent += 1
        runs.entry[run] = slots[slot, 1]
    return absent


@compiled
def enter(runs: Runs, run: int, entry: int, slots: Slots) -> None:
    """Write where the words of a run stand."""
    mask = np.int64(len(slots) - 1)
    slot = np.int64(runs.key[run] >> np.uint64(20)) & mask
    while slots[slot, 0] != runs.key[run]:
        slot = (slot + 1) & mask
    slots[slot, 1] = np.uint64(entry)


@compiled
def fill_entries(runs: Runs, num_runs: int, slots: Slots) -> int:
    """Fill the entries of runs that were missing; return the number of words of all runs."""
    mask = np.int64(len(slots) - 1)
    total = 0
    for run in range(num_runs):
        if runs.entry[run] == 0:
            slot = np.int64(runs.key[run] >> np.uint64(20)) & mask
            while slots[slot, 0] != runs.key[run]:
                slot = (slot + 1) & mask
            runs.entry[run] = slots[slot, 1]
        total += np.int64(runs.entry[run] & np.uint64(0xFFFFFFFF))
    return total


@compiled
def decode(data: U8, start: int, end: int, code: I32) -> int:
    """Write the code points of valid UTF-8 into ``code`` and return their number."""
    count, place = 0, start
    while place < end:
        byte = np.int32(data[place])
        if byte < 0x80:
            code[count] = byte
            place += 1
        elif byte < 0xE0:
            code[count] = (byte & 0x1F) << 6 | (data[place + 1] & 0x3F)
            place += 2
        elif byte < 0xF0:
            code[count] = (byte & 0x0F) << 12 | (np.int32(data[place + 1]) & 0x3F) << 6 | (data[place + 2] & 0x3F)
            place += 3
        else:
            high = (byte & 0x07) << 18 | (np.int32(data[place + 1]) & 0x3F) << 12
            code[count] = high | (np.int32(data[place + 2]) & 0x3F) << 6 | (data[place + 3] & 0x3F)
            place += 4
        count += 1
    return count


@compiled
def _scramble(char: int) -> np.uint64:
    value = (np.uint64(char) + np.uint64(BASE)) * np.uint64(0xBF58476D1CE4E5B9)
    return (value ^ (value >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)


@compiled
def word_hash(code: I32) -> np.uint64:
    """Return the polynomial hash of a word's code points."""
    value, power = np.uint64(0), np.uint64(1)
    for char in code:
        value += power * _scramble(char)
        power *= np.uint64(BASE)
    return value


@compiled
def store(code: I32, ends: I32, count: int, table: NDArray[np.uint16], pieces: Pieces, place: int) -> None:
    """Write ``count`` words of one run, which end at ``ends``, into pieces from ``place`` on."""
    start = 0
    for number in range(count):
        size, value, power = 0, np.uint64(0), np.uint64(1)
        symbol, letter, punctuation = True, False, True
        for index in range(start, ends[number]):
            char = code[index]
            size += 1 + (char > 0x7F) + (char > 0x7FF) + (char > 0xFFFF)
            bits = table[char]
            symbol &= (bits & SYMBOL) != 0
            letter |= (bits & LETTER) != 0
            punctuation &= (bits & PUNCTUATION) != 0
            value += power * _scramble(char)
            power *= np.uint64(BASE)
        ends_sentence = ends[number] - start == 1 and (table[code[start]] & SENTENCE_END) != 0
        flags = IS_SYMBOL * symbol + HAS_LETTER * letter + IS_PUNCTUATION * punctuation + ENDS_SENTENCE * ends_sentence
        pieces[place, 0], pieces[place, 1] = value, power
        pieces[place, 2] = np.uint64(size << 36 | (ends[number] - start) << 8 | flags)
        start = ends[number]
        place += 1


@compiled
def split_missing(
    data: U8, runs: Runs, missing: I64, rules: Rules, slots: Slots, pieces: Pieces, num_pieces: int, asked: I64, scratch: tuple[I32, I32, I32]
) -> tuple[int, int]:
    """Split the missing runs and store their words; list those to ask about. Return the new number of pieces and that of asked runs."""
    code, ends, stack = scratch
    num_asked = 0
    for run in missing:
        length = decode(data, runs.start[run], runs.end[run], code)
        count = split_run(code, length, rules, ends, stack, length <= MAX_ASK_CHARS)
        if count == ASK:
            asked[num_asked] = run
            num_asked += 1
            continue
        store(code, ends, count, rules.table, pieces, num_pieces)
        enter(runs, run, num_pieces << 32 | count, slots)
        num_pieces += count
    return num_pieces, num_asked


@compiled
def emit(runs: Runs, pieces: Pieces, start: I32, end: I32, chars: I32, flags: U8, values: U64, powers: U64, offsets: I64) -> None:
    """Write the words of all texts into flat arrays."""
    word = 0
    for text in range(len(runs.offsets) - 1):
        offsets[text] = word
        for run in range(runs.offsets[text], runs.offsets[text + 1]):
            place = runs.start[run]
            entry = np.int64(runs.entry[run])
            first = entry >> 32
            for piece in range(first, first + (entry & 0xFFFFFFFF)):
                packed = np.int64(pieces[piece, 2])
                start[word] = place
                place += packed >> 36
                end[word], chars[word], flags[word] = place, (packed >> 8) & 0xFFFFFFF, packed & 0xFF
                values[word], powers[word] = pieces[piece, 0], pieces[piece, 1]
                if piece == first and runs.gap[run]:
                    flags[word] |= AFTER_GAP
                word += 1
    offsets[len(runs.offsets) - 1] = word


@compiled
def move(rows: U64, slots: Slots) -> None:
    """Enter runs into a larger table."""
    mask = np.int64(len(slots) - 1)
    for index in range(len(rows)):
        slot = np.int64(rows[index, 0] >> np.uint64(20)) & mask
        while slots[slot, 0] != 0:
            slot = (slot + 1) & mask
        slots[slot] = rows[index]
