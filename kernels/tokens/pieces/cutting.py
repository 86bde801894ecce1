"""Cutting texts into pieces and numbering those that differ, compiled.

A cut is made only where no word of the tokenizer can reach across: what stands on either side is known to be a letter, a sign or a blank by its one
byte, whatever version of Unicode the tokenizer knows. A place that is not known is not cut, which costs time and changes nothing.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.tokens.compiled import compiled

OTHER, LETTER, DIGIT, SIGN, APOSTROPHE, BLANK, BREAK = range(7)
"""Kinds of bytes: `OTHER` are parts of characters beyond ASCII, and control characters."""


def _kinds() -> NDArray[np.uint8]:
    kinds = np.full(256, OTHER, np.uint8)
    for byte in range(0x21, 0x7F):
        character = chr(byte)
        kinds[byte] = LETTER if character.isalpha() else DIGIT if character.isdigit() else APOSTROPHE if character == "'" else SIGN
    kinds[ord(" ")] = BLANK
    kinds[[ord(character) for character in "\n\r\t"]] = BREAK
    return kinds


KINDS = _kinds()
FNV_START, FNV_FACTOR = np.uint64(14695981039346656037), np.uint64(1099511628211)
"""Of the hash FNV-1a (Fowler, Noll and Vo)."""


@compiled
def _may_be_blank(data: NDArray[np.uint8], start: int, place: int) -> bool:
    """Return whether the character before a place, which is beyond ASCII, may count as white space.

    U+0080 to U+00BF, U+1680, U+180E, U+2000 to U+207F and U+3000 to U+303F hold all that ever did.
    """
    if place - start >= 2 and data[place - 2] == 0xC2:
        return True
    if place - start < 3:
        return False
    lead, middle = data[place - 3], data[place - 2]
    return (lead == 0xE1 and (middle == 0x9A or middle == 0xA0)) or (lead == 0xE2 and middle <= 0x81) or (lead == 0xE3 and middle == 0x80)


@compiled
def _is_cut(data: NDArray[np.uint8], start: int, place: int, kinds: NDArray[np.uint8], signs_stand_alone: bool) -> bool:
    """Return whether a text that begins at ``start`` is cut before ``place``."""
    before, behind = kinds[data[place - 1]], kinds[data[place]]
    if behind == BLANK:
        if data[place - 1] < 0x80:
            return before != OTHER and before != BLANK and before != BREAK
        return not _may_be_blank(data, start, place)
    if behind == BREAK:
        return before in (LETTER, DIGIT) or (signs_stand_alone and before in (SIGN, APOSTROPHE))
    if before == LETTER:
        return behind in (DIGIT, SIGN, APOSTROPHE)
    return behind == LETTER and (before == DIGIT or (signs_stand_alone and before == SIGN))


@compiled
def count_pieces(data: NDArray[np.uint8], offsets: NDArray[np.int64], kinds: NDArray[np.uint8], signs_stand_alone: bool) -> NDArray[np.int64]:
    """Return where the pieces of each of N texts begin among all pieces, [N + 1]."""
    starts = np.zeros(len(offsets), np.int64)
    for text in range(len(offsets) - 1):
        start, end = offsets[text], offsets[text + 1]
        count = 1 if end > start else 0
        for place in range(start + 1, end):
            count += _is_cut(data, start, place, kinds, signs_stand_alone)
        starts[text + 1] = starts[text] + count
    return starts


@compiled
def _same(data: NDArray[np.uint8], one: Any, other: Any, length: Any) -> bool:
    step = 0
    while step < length and data[one + step] == data[other + step]:
        step += 1
    return step == length


@compiled
def _in_slots(hashes: NDArray[np.uint64], count: int, num_slots: int) -> NDArray[np.int32]:
    """Return a table of a power of two of slots, in which each piece stands at its hash or behind."""
    slots = np.full(num_slots, -1, np.int32)
    for piece in range(count):
        slot = np.int64(hashes[piece] & np.uint64(num_slots - 1))
        while slots[slot] >= 0:
            slot = (slot + 1) & (num_slots - 1)
        slots[slot] = piece
    return slots


@compiled
def number_pieces(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], kinds: NDArray[np.uint8], signs_stand_alone: bool, num_pieces: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each piece, and where each that differs from the others first begins and ends, in order of first occurrence."""
    codes = np.empty(num_pieces, np.int32)
    room, found, piece = 1024, 0, 0
    begins, ends, hashes = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint64)
    slots = _in_slots(hashes, 0, 4 * room)
    for text in range(len(offsets) - 1):
        begin, last = offsets[text], offsets[text + 1]
        digest = FNV_START
        for place in range(begin, last):
            digest = (digest ^ np.uint64(data[place])) * FNV_FACTOR
            if place + 1 < last and not _is_cut(data, offsets[text], place + 1, kinds, signs_stand_alone):
                continue
            mixed, length = digest ^ (digest >> np.uint64(29)), place + 1 - begin
            slot = np.int64(mixed & np.uint64(len(slots) - 1))
            code = slots[slot]
            while code >= 0 and not (hashes[code] == mixed and ends[code] - begins[code] == length and _same(data, begins[code], begin, length)):
                slot = (slot + 1) & (len(slots) - 1)
                code = slots[slot]
            if code < 0:
                code = found
                begins[code], ends[code], hashes[code], slots[slot] = begin, place + 1, mixed, code
                found += 1
                if found == room:
                    begins, ends = np.append(begins, begins), np.append(ends, ends)
                    hashes = np.append(hashes, hashes)
                    room *= 2
                    slots = _in_slots(hashes, found, 4 * room)
            codes[piece] = code
            piece, begin, digest = piece + 1, place + 1, FNV_START
    return codes, begins[:found].copy(), ends[:found].copy()


@compiled
def find_joints(
    data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64], kinds: NDArray[np.uint8], signs_stand_alone: bool
) -> NDArray[np.bool_]:
    """Return for each piece whether a text would be cut between the piece before it and itself, were they to stand in it like that."""
    joints = np.zeros(len(begins), np.bool_)
    ring = np.empty(4, np.uint8)
    for piece in range(1, len(begins)):
        size = min(3, ends[piece - 1] - begins[piece - 1])
        ring[:size] = data[ends[piece - 1] - size : ends[piece - 1]]
        ring[size] = data[begins[piece]]
        joints[piece] = _is_cut(ring, 0, size, kinds, signs_stand_alone)
    return joints


@compiled
def join(
    data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64], separated: NDArray[np.bool_], separator: int
) -> NDArray[np.uint8]:
    """Return some pieces end to end, a byte before some of them."""
    joined = np.empty((ends - begins).sum() + separated.sum(), np.uint8)
    place = 0
    for piece in range(len(begins)):
        if separated[piece]:
            joined[place] = separator
            place += 1
        for source in range(begins[piece], ends[piece]):
            joined[place] = data[source]
            place += 1
    return joined


@compiled
def lay_out(
    codes: NDArray[np.int32],
    piece_starts: NDArray[np.int64],
    ids: NDArray[np.uint32],
    id_starts: NDArray[np.int64],
    before: NDArray[np.uint32],
    behind: NDArray[np.uint32],
    tokens: NDArray[np.uint32],
    offsets: NDArray[np.int64],
) -> None:
    """Write the ids of texts end to end, those of every piece in turn, between what stands before and behind each text.

    Args:
        codes: [P] the number of each piece.
        piece_starts: [N + 1] where the pieces of each text begin.
        ids: ids of the pieces that differ, end to end.
        id_starts: [U + 1] where those of each begin.
        before: ids before each text.
        behind: ids behind each text.
        tokens: takes the ids.
        offsets: [N + 1] takes where each text's begin.
    """
    place = 0
    for text in range(len(piece_starts) - 1):
        offsets[text] = place
        for extra in range(len(before)):
            tokens[place] = before[extra]
            place += 1
        for piece in range(piece_starts[text], piece_starts[text + 1]):
            for source in range(id_starts[codes[piece]], id_starts[codes[piece] + 1]):
                tokens[place] = ids[source]
                place += 1
        for extra in range(len(behind)):
            tokens[place] = behind[extra]
            place += 1
    offsets[len(piece_starts) - 1] = place
