"""Teasers of other pages: their text is taken as part of their links, so that it neither weighs nor is kept; compiled."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning import tags
from kernels.reading.articles.scanning.page import CELL_OF, ELEMENT, KIND, LINKED, NUM_BLOCKS, NUM_ELEMENTS, PARENT, SIZE, TAG, Page

I32 = NDArray[np.int32]
Flags = NDArray[np.bool_]

MIN_TEASERS, MAX_TEASER_SIZE = 4, 400
"""So many links in a row, each with so little text of its own, are teasers of other pages."""
MIN_CARDS, MIN_TITLE_SIZE, MAX_CARD_SIZE = 3, 20, 600
"""So many sections side by side are teasers too, each with a link that is long enough for a headline, and with no more text of its own than this."""
MAX_SHARE = 0.5
"""A page with more of its text than this in teasers is made of them: they are what it has."""
NUM_OPEN, NUM_TITLES = range(2)
"""Columns of ``sums``: the size of text that is no link, and how many blocks are a link that may be a headline."""
CARD = tags.SECTION | tags.ARTICLE
NO_CARD = tags.CELL | tags.ROW | tags.TABLE


@compiled
def count_teasers_as_links(page: Page) -> None:
    """Take the text of teasers as part of their links: those that stand in turn with links, and those in sections side by side."""
    _count_as_links(page, _texts_between_links(page))
    _count_as_links(page, _in_cards(page))


@compiled
def _count_as_links(page: Page, teasers: Flags) -> None:
    """Take blocks as links, unless they are most of the page's text that is none."""
    blocks, size, size_of_teasers = page.blocks, 0, 0
    for number in range(len(teasers)):
        if blocks[number, LINKED] < blocks[number, SIZE]:
            size += blocks[number, SIZE]
            size_of_teasers += blocks[number, SIZE] * teasers[number]
    if size_of_teasers > MAX_SHARE * size:
        return
    for number in range(len(teasers)):
        if teasers[number]:
            blocks[number, LINKED] = blocks[number, SIZE]


@compiled
def _texts_between_links(page: Page) -> Flags:
    """Find links and short texts in turn, several times, neither items nor cells; return the texts."""
    num_blocks = page.state[NUM_BLOCKS]
    found = np.zeros(num_blocks, np.bool_)
    first = 0
    while first < num_blocks:
        end = first
        while end + 1 < num_blocks and _is_teaser(page, end):
            end += 2
        if end - first >= 2 * MIN_TEASERS:
            found[first + 1 : end : 2] = True
        first = max(end, first + 1)
    return found


@compiled
def _is_teaser(page: Page, number: int) -> bool:
    link, text = page.blocks[number], page.blocks[number + 1]
    if (link[KIND] | text[KIND]) & tags.ITEM or page.elements[text[ELEMENT], CELL_OF] or link[ELEMENT] == text[ELEMENT]:
        return False
    return link[LINKED] >= link[SIZE] and text[LINKED] == 0 and text[SIZE] <= MAX_TEASER_SIZE


@compiled
def _in_cards(page: Page) -> Flags:
    """Find sections side by side that each hold a linked headline and little else; return their blocks."""
    elements, num_elements = page.elements, page.state[NUM_ELEMENTS]
    sums = _text_and_titles(page)
    num_cards = np.zeros(num_elements, np.int32)
    for place in range(1, num_elements):
        num_cards[elements[place, PARENT]] += _is_card(elements, sums, place)
    in_card = np.zeros(num_elements, np.bool_)
    for place in range(1, num_elements):
        above = elements[place, PARENT]
        in_card[place] = in_card[above] or (num_cards[above] >= MIN_CARDS and _is_card(elements, sums, place))
    return in_card[page.blocks[: page.state[NUM_BLOCKS], ELEMENT]]


@compiled
def _text_and_titles(page: Page) -> I32:
    """Return for each element the size of the text in it that is no link, and how many of its blocks may be a linked headline."""
    sums = np.zeros((page.state[NUM_ELEMENTS], 2), np.int32)
    for number in range(page.state[NUM_BLOCKS]):
        block = page.blocks[number]
        if block[LINKED] < block[SIZE]:
            sums[block[ELEMENT], NUM_OPEN] += block[SIZE]
        elif block[SIZE] >= MIN_TITLE_SIZE:
            sums[block[ELEMENT], NUM_TITLES] += 1
    for place in range(len(sums) - 1, 0, -1):
        sums[page.elements[place, PARENT]] += sums[place]
    return sums


@compiled
def _is_card(elements: I32, sums: I32, place: int) -> bool:
    tag = elements[place, TAG]
    return tag & CARD > 0 and not tag & NO_CARD and 1 <= sums[place, NUM_TITLES] <= 2 and sums[place, NUM_OPEN] <= MAX_CARD_SIZE
