"""Which lines of the part that holds the article are of it, and how far beyond its paragraphs it goes; compiled."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from kernels.reading.articles.choosing.part import Part, holds
from kernels.reading.articles.choosing.weigh import COPYRIGHT_LEAD, COPYRIGHT_SIGN, I32, MAX_LINKED, Flags, Strictness, is_data, is_running
from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning import tags
from kernels.reading.articles.scanning.characters import last_character
from kernels.reading.articles.scanning.page import ELEMENT, END, KIND, LINKED, NUM_BLOCKS, PARENT, ROW_OF, SIZE, START, Page

MAX_BLOCK_LINKS, MAX_SENTENCE_LINKS, MIN_SENTENCE, MIN_LONG = 0.7, 0.9, 20, 100
MIN_INTRODUCTION = 120
"""A paragraph this long before the part that is named as the article introduces it."""
MIN_TEXT_BEFORE = 0.9
"""A heading that is a link begins teasers of other pages where this much of the text stands before it."""
COLON = 58
BESIDE = tags.PARAGRAPH | tags.ITEM | tags.HEADING | tags.PREFORMATTED


@compiled
def is_text(page: Page, rows: I32, number: int) -> bool:
    """Return whether a block within the article is of it and not of links; a row of data is judged as a whole."""
    block = page.blocks[number]
    size, linked = block[SIZE], block[LINKED]
    row = page.elements[block[ELEMENT], ROW_OF]
    if page.text[block[START]] == COPYRIGHT_LEAD and page.text[block[START] + 1] == COPYRIGHT_SIGN:
        return False
    if rows[row, 0]:
        return rows[row, 1] <= MAX_BLOCK_LINKS * rows[row, 0]
    if linked > MAX_SENTENCE_LINKS * size:
        last = last_character(page.text, block[START], block[END])
        return block[KIND] & tags.PARAGRAPH > 0 and size > MIN_SENTENCE and (last == 46 or last == 33 or last == 63)
    return linked <= MAX_BLOCK_LINKS * size or size > MIN_LONG


@compiled
def end_of_text(page: Page, part: Part) -> int:
    """Return where the article ends: before the first headline of another page, a heading that is a link, if little text follows."""
    blocks, num_blocks = page.blocks, page.state[NUM_BLOCKS]
    size = 0
    for number in range(num_blocks):
        size += (blocks[number, SIZE] - blocks[number, LINKED]) * part.inside[blocks[number, ELEMENT]]
    before = 0
    for number in range(num_blocks):
        block = blocks[number]
        if not part.inside[block[ELEMENT]]:
            continue
        if block[KIND] & tags.HEADING and block[LINKED] >= block[SIZE] >= MIN_SENTENCE and before >= MIN_TEXT_BEFORE * size:
            return number
        before += block[SIZE] - block[LINKED]
    return num_blocks


@compiled
def extended(page: Page, rows: I32, part: Part, edge: int, step: int) -> int:
    """Return the last block that still belongs to the article, going on from its first or last full paragraph."""
    number = edge
    while 0 <= number + step < page.state[NUM_BLOCKS] and _belongs(page, rows, part, number + step, number, edge, step):
        number += step
        if page.blocks[number, KIND] & tags.HEADLINE:
            break
    return number


@compiled
def _belongs(page: Page, rows: I32, part: Part, number: int, near: int, edge: int, step: int) -> bool:
    """Return whether a block beside the article is of it: of the same element, or a paragraph, heading, item or row in one that holds the other."""
    blocks, elements = page.blocks, page.elements
    block, element = blocks[number], blocks[number, ELEMENT]
    if is_data(page, rows, element):
        return part.inside[element] and not part.gone[element]
    if block[LINKED] > MAX_LINKED * block[SIZE]:
        return False
    if element == blocks[near, ELEMENT]:
        return True
    if not part.inside[element] or part.gone[element] or not block[KIND] & BESIDE or (step > 0 and block[KIND] & tags.HEADING):
        return False
    above, other = elements[element, PARENT], elements[blocks[edge, ELEMENT], PARENT]
    if block[KIND] & tags.ITEM:  # its list stands beside
        above = elements[above, PARENT]
    return holds(elements, above, other) or holds(elements, other, above)


@compiled
def keep_links_between(page: Page, runs: I32, part: Part, strictness: Strictness, begin: int, end: int, kept: Flags) -> None:
    """Keep the links that are lines of the article: a paragraph between two others that are text, and the list that a colon introduces."""
    blocks, elements = page.blocks, page.elements
    for number in range(begin + 1, end):
        block = blocks[number]
        element = block[ELEMENT]
        above = elements[element, PARENT]
        if kept[number] or part.gone[element] or not part.inside[elements[above, PARENT] if block[KIND] & tags.ITEM else element]:
            continue
        before, after = blocks[number - 1], blocks[number + 1]
        if block[KIND] & tags.PARAGRAPH and block[LINKED] >= block[SIZE] and kept[number - 1] and kept[number + 1]:
            is_beside = elements[before[ELEMENT], PARENT] == above and elements[after[ELEMENT], PARENT] == above
            kept[number] = is_beside and is_running(page, runs, number - 1, strictness) and after[LINKED] <= MAX_LINKED * after[SIZE]
        elif block[KIND] & tags.ITEM and kept[number - 1]:
            is_first = elements[before[ELEMENT], PARENT] == elements[above, PARENT] and last_character(page.text, before[START], before[END]) == COLON
            is_next = before[KIND] & tags.ITEM > 0 and elements[before[ELEMENT], PARENT] == above
            kept[number] = is_first or is_next


@compiled
def introduce(page: Page, runs: I32, part: Part, strictness: Strictness, begin: int, kept: Flags) -> None:
    """Keep the long paragraphs of the heaviest element right before the part of it that is named as the article."""
    blocks = page.blocks
    number = begin - 1
    while number >= 0:
        element = blocks[number, ELEMENT]
        if not part.in_heaviest[element]:
            break
        if not part.gone[element]:
            is_long = blocks[number, SIZE] >= MIN_INTRODUCTION and is_running(page, runs, number, strictness)
            if part.inside[element] or not is_long or not blocks[number, KIND] & tags.PARAGRAPH:
                break
            kept[number] = True
        number -= 1
