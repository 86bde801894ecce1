"""What blocks and elements weigh: running text against links and against what pages name as no article; compiled.

After Kohlschütter et al. 2010 (https://doi.org/10.1145/1718487.1718542): length and share of links tell text from boilerplate. All constants were
chosen on three quarters of the pages of `tests.bench.extraction`.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning import names, tags
from kernels.reading.articles.scanning.characters import ends_sentence, last_character
from kernels.reading.articles.scanning.page import (
    CELL_OF,
    ELEMENT,
    END,
    IS_LAYOUT,
    KIND,
    LINKED,
    NAMES,
    NUM_BLOCKS,
    NUM_ELEMENTS,
    PARENT,
    ROW_OF,
    SIZE,
    START,
    TAG,
    Page,
)  # fmt: skip

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
Flags = NDArray[np.bool_]

MIN_RUN = 120
"""A run of short lines (a poem, an address) of this size is running text too."""
SHORT_WEIGHT, SHORT_PARAGRAPH_WEIGHT, LINK_WEIGHT = 1.0, 3.0, -5.0
"""Of blocks that are no running text; one of links speaks against its element."""
MAX_LINKED = 0.5
MAX_NAMED_SHARE = 0.5
"""An element with more of the page's running text than this is no boilerplate, whatever its name, unless the name is beyond doubt."""
MAX_TWOFOLD_SHARE = 0.9
"""Nor is one with more than this if both its tag and its name say so."""
MIN_ARTICLE_SHARE = 0.25
"""Nor is one that holds a part that is named as the article and has this much of it."""
MAX_LAYOUT_SIZE = 1000
MAX_LAYOUT_BLOCKS = 4
"""A row with more text, with a heading, code or a cell of more blocks, lays out a page and is no row of data."""
MARKUP_BEGINS, MARKUP_ENDS = 60, 62
COPYRIGHT_LEAD, COPYRIGHT_SIGN = 0xC2, 0xA9
"""The bytes of the sign that begins a notice of rights."""


class Strictness(NamedTuple):
    """What running text is: at least this large, and at most this share of it links."""

    min_size: int
    max_linked: float


class Sums(NamedTuple):
    """Sums [n] over each element and all in it, what is discarded left out: weight, size of text, and of links."""

    weight: F64
    size: F64
    linked: F64


@compiled
def line_runs(page: Page) -> I32:
    """Return for each block the size of text and links of the run of lines that it is in: blocks side by side in one element."""
    num_blocks, blocks = page.state[NUM_BLOCKS], page.blocks
    runs = np.zeros((num_blocks, 2), np.int32)
    first = 0
    while first < num_blocks:
        end, size, linked = first, 0, 0
        while end < num_blocks and blocks[end, ELEMENT] == blocks[first, ELEMENT]:
            size += blocks[end, SIZE]
            linked += blocks[end, LINKED]
            end += 1
        runs[first:end, 0] = size
        runs[first:end, 1] = linked
        first = end
    return runs


@compiled
def is_running(page: Page, runs: I32, number: int, strictness: Strictness) -> bool:
    """Return whether a block is running text: code, or long enough and not of links, no stray markup and no copyright line."""
    block, text = page.blocks[number], page.text
    if block[KIND] & tags.PREFORMATTED:
        return True
    first, last = text[block[START]], text[block[END] - 1]
    if (first == MARKUP_BEGINS and last == MARKUP_ENDS) or (first == COPYRIGHT_LEAD and text[block[START] + 1] == COPYRIGHT_SIGN):
        return False
    if block[LINKED] > strictness.max_linked * block[SIZE] or runs[number, 1] > strictness.max_linked * runs[number, 0]:
        return False
    return block[SIZE] >= strictness.min_size or runs[number, 0] >= MIN_RUN


@compiled
def is_full(page: Page, runs: I32, number: int, strictness: Strictness) -> bool:
    """Return whether a block may begin or end an article: running text, or a paragraph or item that is a sentence."""
    block = page.blocks[number]
    if is_running(page, runs, number, strictness):
        return True
    return block[KIND] & (tags.PARAGRAPH | tags.ITEM) > 0 and ends_sentence(last_character(page.text, block[START], block[END]))


@compiled
def _sum_up(elements: I32, values: F64) -> None:
    """Add to each element what is in it."""
    for place in range(len(values) - 1, 0, -1):
        values[elements[place, PARENT]] += values[place]


@compiled
def discarded(page: Page, runs: I32, rows: I32, include_tables: bool, trusts_names: bool, strictness: Strictness) -> Flags:
    """Return for each element whether it is in a part that is named as no article, or is a row of data where those are not wanted.

    A name is not believed of an element that holds much of the page's running text, unless it says that readers wrote it, which a part named as the
    article gainsays, or that all pages of the site bear it. Names that are not to be trusted on a page are believed only where tags say the same.
    """
    num_elements, elements = page.state[NUM_ELEMENTS], page.elements
    running = np.zeros(num_elements)
    for number in range(page.state[NUM_BLOCKS]):
        if is_running(page, runs, number, strictness):
            running[page.blocks[number, ELEMENT]] += page.blocks[number, SIZE] - page.blocks[number, LINKED]
    _sum_up(elements, running)
    named = np.zeros(num_elements)
    for place in range(num_elements - 1, 0, -1):
        if elements[place, NAMES] & names.NAMED_ARTICLE and not elements[place, NAMES] & names.NAMED_COMMENTS:
            named[place] = max(named[place], running[place])
        named[elements[place, PARENT]] = max(named[elements[place, PARENT]], named[place])
    gone = np.zeros(num_elements, np.bool_)
    for place in range(1, num_elements):
        tag, called = elements[place, TAG], elements[place, NAMES]
        if gone[elements[place, PARENT]] or (tag & tags.ROW and rows[place, 0] and not include_tables):
            gone[place] = True
        elif _is_boilerplate(tag, called):
            holds_article = named[place] > 0 and named[place] >= MIN_ARTICLE_SHARE * running[0]
            is_certain = tag & tags.STRONG or called & names.NAMED_STRONGLY or (called & names.NAMED_COMMENTS and not holds_article)
            is_twofold = tag & tags.BOILERPLATE and called & names.NAMED_BOILERPLATE
            max_share = MAX_TWOFOLD_SHARE if is_twofold else MAX_NAMED_SHARE
            is_likely = (trusts_names or tag & tags.BOILERPLATE) and running[place] < max_share * running[0]
            gone[place] = is_certain > 0 or (is_likely and not holds_article)
    return gone


@compiled
def _is_boilerplate(tag: int, called: int) -> bool:
    if called & names.TRUSTED and not called & (names.NAMED_COMMENTS | names.HIDDEN):
        return False
    if tag & tags.BOILERPLATE:
        return True
    return called & (names.NAMED_BOILERPLATE | names.HIDDEN) > 0 and not called & names.NAMED_ARTICLE and not tag & tags.ROOT


@compiled
def weigh(page: Page, runs: I32, rows: I32, gone: Flags, strictness: Strictness) -> Sums:
    """Return what each element weighs."""
    num_elements = page.state[NUM_ELEMENTS]
    weight, size, linked = np.zeros(num_elements), np.zeros(num_elements), np.zeros(num_elements)
    for number in range(page.state[NUM_BLOCKS]):
        block = page.blocks[number]
        element = block[ELEMENT]
        if gone[element]:
            continue
        size[element] += block[SIZE]
        linked[element] += block[LINKED]
        if is_running(page, runs, number, strictness):
            weight[element] += block[SIZE] - block[LINKED]
        elif block[LINKED] > MAX_LINKED * block[SIZE] and not is_data(page, rows, element):
            weight[element] += 0 if block[KIND] & tags.PARAGRAPH else LINK_WEIGHT
        else:
            weight[element] += SHORT_PARAGRAPH_WEIGHT if block[KIND] & tags.PARAGRAPH else SHORT_WEIGHT
    _sum_up(page.elements, weight)
    _sum_up(page.elements, size)
    _sum_up(page.elements, linked)
    return Sums(weight, size, linked)


@compiled
def data_rows(page: Page) -> I32:
    """Return [n, 2] for each row of data how many blocks its table has and how many of them are links; 0 for other elements."""
    blocks, elements = page.blocks, page.elements
    rows = np.zeros((page.state[NUM_ELEMENTS], 2), np.int32)
    sizes, num_blocks_of = np.zeros(page.state[NUM_ELEMENTS], np.int32), np.zeros(page.state[NUM_ELEMENTS], np.int32)
    for number in range(page.state[NUM_BLOCKS]):
        block = blocks[number]
        row, cell = elements[block[ELEMENT], ROW_OF], elements[block[ELEMENT], CELL_OF]
        if not row or not cell:
            continue
        rows[row, 0] += 1
        rows[row, 1] += block[LINKED] > MAX_LINKED * block[SIZE]
        sizes[row] += block[SIZE]
        num_blocks_of[cell] += 1
        if block[KIND] & (tags.HEADING | tags.PREFORMATTED) or sizes[row] > MAX_LAYOUT_SIZE or num_blocks_of[cell] > MAX_LAYOUT_BLOCKS:
            elements[row, IS_LAYOUT] = 1
    of_tables = np.zeros_like(rows)
    for row in range(page.state[NUM_ELEMENTS]):
        if elements[row, IS_LAYOUT]:
            rows[row] = 0
        of_tables[_table_of(elements, row)] += rows[row]
    for row in range(page.state[NUM_ELEMENTS]):
        if rows[row, 0]:
            rows[row] = of_tables[_table_of(elements, row)]
    return rows


@compiled
def is_data(page: Page, rows: I32, element: int) -> bool:
    """Return whether an element is in a row of data of a table that is not mostly links."""
    row = page.elements[element, ROW_OF]
    return rows[row, 0] > 0 and rows[row, 1] <= MAX_LINKED * rows[row, 0]


@compiled
def _table_of(elements: I32, row: int) -> int:
    """Return the table of a row, 0 for an element that is no row."""
    if not elements[row, TAG] & tags.ROW:
        return 0
    while row and not elements[row, TAG] & tags.TABLE:
        row = elements[row, PARENT]
    return row
