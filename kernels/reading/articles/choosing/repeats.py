"""An article that stands on its page twice, as one for print or for small screens beside it: the second copy is left out; compiled."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np

from kernels.reading.articles.choosing.weigh import Flags
from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning.page import ELEMENT, END, PARENT, SIZE, START, Page

MIN_LONG = 100
"""Shorter blocks may well say the same."""
MIN_REPEATED = 0.4
"""With a smaller share of the text of its long blocks repeated a page has its reasons for it, as a page of documentation has."""


@compiled
def leave_out_second_copy(page: Page, kept: Flags) -> None:
    """Take out long blocks that repeat others, and what stands between, if one whole copy stands before another in another element."""
    first_of = _first_of(page, kept)
    size, repeated, first_end, begin = 0, 0, 0, 0
    for number in range(len(kept)):
        if first_of[number] < 0:
            continue
        size += page.blocks[number, SIZE]
        if first_of[number] < number:
            if _above(page, number) == _above(page, first_of[number]):
                return
            repeated += page.blocks[number, SIZE]
            first_end = max(first_end, first_of[number])
            begin = begin if begin else number
    if repeated == 0 or repeated < MIN_REPEATED * size or first_end > begin:
        return
    for number in range(len(kept)):
        is_between = first_end < number < begin and page.blocks[number, SIZE] < MIN_LONG
        if is_between or 0 <= first_of[number] < number:
            kept[number] = False


@compiled
def _above(page: Page, number: int) -> int:
    """Return the element that a block's element is in."""
    return page.elements[page.blocks[number, ELEMENT], PARENT]


@compiled
def _first_of(page: Page, kept: Flags) -> np.ndarray:
    """Return for each long block that is kept the first one with its text, -1 for others."""
    first_of = np.full(len(kept), -1, np.int64)
    numbers = np.empty(len(kept), np.int64)
    hashes = np.empty(len(kept), np.int64)
    count = 0
    for number in range(len(kept)):
        if kept[number] and page.blocks[number, SIZE] >= MIN_LONG:
            numbers[count], hashes[count] = number, _hash(page, number)
            count += 1
    order = np.argsort(hashes[:count], kind="mergesort")
    first = -1
    for place in range(count):
        number = numbers[order[place]]
        if place == 0 or hashes[order[place]] != hashes[order[place - 1]]:
            first = number
        first_of[number] = first
    return first_of


@compiled
def _hash(page: Page, number: int) -> int:
    value = np.int64(page.blocks[number, SIZE])
    for place in range(page.blocks[number, START], page.blocks[number, END]):
        value = value * 1000003 ^ page.text[place]
    return value
