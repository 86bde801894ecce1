"""What a pass over a page's markup fills: its elements with their names, its text as blocks, and where the pass stands."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LESS = 60
U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

PARENT, TAG, NAMES, ROW_OF, CELL_OF, CELL_NUMBER, NUM_CELLS, IS_LAYOUT = range(8)
"""Columns of ``elements``; the last three number a cell in its row, count a row's cells, and say that a row holds a table."""
ELEMENT, START, END, SIZE, LINKED, KIND = range(6)
"""Columns of ``blocks``: size and linked are of text, see `..characters.size_of`; kind is the bits of its element's tag."""
OUT, BEGAN, NUM_ELEMENTS, NUM_BLOCKS, TEXT, LINKS, SPACE, DEPTH, LINK_DEPTH, NUM_LINKS, MUTED, PRE, MATHS, MATH_DEPTH, LEFT_OUT = range(15)
"""Places of ``state``: where text is written, where the block began, counts, the block's sizes, and how deep the pass is in what."""
BITS, OF_ELEMENT, MARK, MUTES, LINKS_BEFORE = range(5)
"""Columns of the stack of open tags: bits, element, where text stood, by how much it mutes, how many links came before."""
SUPERSCRIPT_BEGINS, SUPERSCRIPT_ENDS, SUBSCRIPT_BEGINS, SUBSCRIPT_ENDS = 1, 2, 3, 4
"""Bytes that mark scripts in the text of blocks; a page's own control characters are left out."""


class Page(NamedTuple):
    """What the pass fills: elements [n, 8], blocks [n, 6], the text of all blocks, the stack of open tags [n, 5], and its state."""

    elements: I32
    blocks: I32
    text: U8
    stack: I32
    state: I64


def make_page(data: U8) -> Page:
    """Return arrays that are large enough for any markup of these bytes."""
    num_tags = int(np.count_nonzero(data == LESS)) + 2
    return Page(
        np.zeros((num_tags, 8), np.int32),
        np.zeros((num_tags, 6), np.int32),
        np.empty(len(data) + 8, np.uint8),
        np.zeros((num_tags, 5), np.int32),
        np.zeros(16, np.int64),
    )
