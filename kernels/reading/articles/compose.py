"""The text of chosen blocks: one a line, cells of a row of data side by side; compiled."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np

from kernels.reading.articles.choosing.weigh import I32, Flags
from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning.page import CELL_NUMBER, CELL_OF, ELEMENT, END, IS_LAYOUT, ROW_OF, START, U8, Page

BLANK, LINE_FEED, BAR = 32, 10, 124


@compiled
def compose(page: Page, kept: Flags) -> U8:
    """Return the text of the blocks that are kept, in UTF-8."""
    blocks, elements = page.blocks, page.elements
    out = np.empty(len(page.text) + 4 * len(elements), np.uint8)
    place, before = 0, -1
    for number in range(len(kept)):
        if not kept[number]:
            continue
        element = blocks[number, ELEMENT]
        place = _separate(elements, blocks[before, ELEMENT] if before >= 0 else 0, element, before >= 0, out, place)
        start, end = blocks[number, START], blocks[number, END]
        out[place : place + end - start] = page.text[start:end]
        place += end - start
        before = number
    return out[:place]


@compiled
def _separate(elements: I32, before: int, element: int, is_later: bool, out: U8, place: int) -> int:
    """Write what stands between two blocks: a line feed, a blank within a cell, or a bar for each border of cells."""
    row, cell = elements[element, ROW_OF], elements[element, CELL_OF]
    is_cell = row > 0 and cell > 0 and not elements[row, IS_LAYOUT]
    is_same_row = is_later and is_cell and elements[before, ROW_OF] == row
    if is_same_row and elements[before, CELL_OF] == cell:
        out[place] = BLANK
        return place + 1
    if is_later and not is_same_row:
        out[place] = LINE_FEED
        place += 1
    if not is_cell:
        return place
    num_bars = elements[cell, CELL_NUMBER] - (elements[elements[before, CELL_OF], CELL_NUMBER] if is_same_row else 0)
    for _ in range(num_bars):
        out[place], out[place + 1], out[place + 2] = BLANK, BAR, BLANK
        place += 3
    return place
