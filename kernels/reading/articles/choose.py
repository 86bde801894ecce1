"""Which blocks of a page are its article; compiled.

They are those of the heaviest element that are no lists of links, from its first full paragraph to its last, with the headings, short paragraphs,
items and rows beside these.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import NamedTuple

import numpy as np

from kernels.reading.articles import names, tags
from kernels.reading.articles.characters import last_character
from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scan import (
    ELEMENT,
    END,
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
from kernels.reading.articles.teasers import count_teasers_as_links
from kernels.reading.articles.weigh import (
    COPYRIGHT_LEAD,
    COPYRIGHT_SIGN,
    I32,
    MAX_LINKED,
    Flags,
    Strictness,
    Sums,
    data_rows,
    discarded,
    is_full,
    is_running,
    line_runs,
    weigh,
)

USUAL = Strictness(min_size=40, max_linked=0.4)
LENIENT = Strictness(min_size=25, max_linked=0.7)
"""For a page of which the usual measure finds nothing."""
ANY_TEXT = Strictness(min_size=1, max_linked=0.7)
"""For a page that is all rows and items; what is found must be as long as MIN_ANY_TEXT."""
MIN_ANY_TEXT = 100
MIN_TRUSTED_SHARE = 0.2
"""If names leave less than this of what would be chosen without them, they mean something else on this page."""
MIN_MAIN_SHARE = 0.2
"""An element that its page calls the main one is it if it weighs this much of all."""
MIN_NAMED_SHARE = 0.8
"""An element within the heaviest that is named as the article is it if it weighs this much of that."""
MIN_SHARE = 0.95
"""So is any element that weighs this much."""
MIN_RIVAL_SHARE = 0.1
"""An element named alike that weighs this much of it is another post or section: all of the heaviest one is taken then."""
MAX_SECTION_LINKS = 0.7
MAX_BLOCK_LINKS, MAX_SENTENCE_LINKS, MIN_SENTENCE, MIN_LONG = 0.7, 0.9, 20, 100
MIN_INTRODUCTION = 120
"""A paragraph this long before the part that is named as the article introduces it."""
MIN_TEXT_BEFORE = 0.9
"""A heading that is a link begins teasers of other pages where this much of the text stands before it."""
COLON = 58
BESIDE = tags.PARAGRAPH | tags.ITEM | tags.HEADING | tags.PREFORMATTED


class Part(NamedTuple):
    """For each element whether it is in the heaviest one, whether in what of that is kept, and whether it was discarded."""

    in_heaviest: Flags
    inside: Flags
    gone: Flags


@compiled
def choose(page: Page, include_tables: bool) -> Flags:
    """Return for each block whether it is of the article; none is where there is no article."""
    count_teasers_as_links(page)
    runs, rows = line_runs(page), data_rows(page)
    sizes = page.blocks[: page.state[NUM_BLOCKS], SIZE]
    kept = _choose(page, runs, rows, include_tables, True, USUAL)
    all_named = _choose(page, runs, rows, include_tables, False, USUAL)
    if (kept * sizes).sum() < MIN_TRUSTED_SHARE * (all_named * sizes).sum():
        kept = all_named
    if not kept.any():
        kept = _choose(page, runs, rows, include_tables, True, LENIENT)
    if not kept.any():
        kept = _choose(page, runs, rows, include_tables, True, ANY_TEXT)
        if (kept * sizes).sum() < MIN_ANY_TEXT:
            kept[:] = False
    return kept


@compiled
def _choose(page: Page, runs: I32, rows: I32, include_tables: bool, trusts_names: bool, strictness: Strictness) -> Flags:
    gone = discarded(page, runs, rows, include_tables, trusts_names, strictness)
    sums = weigh(page, runs, gone, strictness)
    part = _part(page, rows, sums, gone)
    kept = np.zeros(page.state[NUM_BLOCKS], np.bool_)
    first, last = -1, -1
    for number in range(_end_of_text(page, part)):
        if not part.inside[page.blocks[number, ELEMENT]] or gone[page.blocks[number, ELEMENT]] or not _is_text(page, rows, number):
            continue
        kept[number] = True
        if is_full(page, runs, number, strictness):
            first = number if first < 0 else first
            last = number
    if first < 0:
        kept[:] = False
        return kept
    begin = _extended(page, rows, part, first, -1)
    end = _extended(page, rows, part, last, 1)
    kept[:begin] = False
    kept[begin : first + 1] = True
    kept[last : end + 1] = True
    kept[end + 1 :] = False
    _keep_links_between(page, runs, part, strictness, begin, end, kept)
    _introduce(page, runs, part, strictness, begin, kept)
    return kept


@compiled
def _part(page: Page, rows: I32, sums: Sums, gone: Flags) -> Part:
    """Return the heaviest element, or the one within it that its page names as the article, if most of the text is there."""
    num_elements, elements = page.state[NUM_ELEMENTS], page.elements
    best = _heaviest(page, sums, gone)
    in_heaviest, inside = np.zeros(num_elements, np.bool_), np.zeros(num_elements, np.bool_)
    in_heaviest[best] = True
    root = best
    for place in range(best + 1, num_elements):
        in_heaviest[place] = in_heaviest[elements[place, PARENT]]
        is_named = elements[place, TAG] & tags.ARTICLE or elements[place, NAMES] & names.NAMED_ARTICLE
        if in_heaviest[place] and sums.weight[place] >= (MIN_NAMED_SHARE if is_named else MIN_SHARE) * sums.weight[best]:
            root = place
    if _has_rival(page, sums, root, best):
        root = best
    inside[root] = True
    for place in range(root + 1, num_elements):
        is_of_links = sums.weight[place] < 0 and sums.linked[place] >= MAX_SECTION_LINKS * sums.size[place]
        is_alone = elements[place, TAG] & tags.SECTION and not (elements[place, TAG] & tags.CELL and rows[elements[place, ROW_OF], 0])
        inside[place] = inside[elements[place, PARENT]] and not (is_of_links and is_alone)
    return Part(in_heaviest, inside, gone)


@compiled
def _has_rival(page: Page, sums: Sums, root: int, best: int) -> bool:
    """Return whether another part beside the one that is named as the article is so too, as posts of a thread are."""
    elements = page.elements
    if root == best:
        return False
    for place in range(best + 1, page.state[NUM_ELEMENTS]):
        is_named = elements[place, TAG] & tags.ARTICLE or elements[place, NAMES] & names.NAMED_ARTICLE
        is_alike = is_named and sums.weight[place] >= MIN_RIVAL_SHARE * sums.weight[root] and elements[place, TAG] == elements[root, TAG]
        if is_alike and _holds(elements, best, place) and not _holds(elements, root, place) and not _holds(elements, place, root):
            return True
    return False


@compiled
def _heaviest(page: Page, sums: Sums, gone: Flags) -> int:
    """Return the heaviest element, within the one that the page calls its main one, if that weighs enough."""
    elements = page.elements
    main = 0
    for place in range(1, len(gone)):
        is_main = elements[place, TAG] & tags.MAIN or elements[place, NAMES] & names.NAMED_MAIN
        if is_main and not gone[place] and sums.weight[place] > sums.weight[main] * (1 if main else MIN_MAIN_SHARE):
            main = place
    under = np.zeros(len(gone), np.bool_)
    under[main] = True
    best = main
    for place in range(main + 1, len(gone)):
        under[place] = under[elements[place, PARENT]]
        if under[place] and sums.weight[place] >= sums.weight[best]:
            best = place
    return best


@compiled
def _end_of_text(page: Page, part: Part) -> int:
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
def _is_text(page: Page, rows: I32, number: int) -> bool:
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
def _extended(page: Page, rows: I32, part: Part, edge: int, step: int) -> int:
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
    row = elements[element, ROW_OF]
    if rows[row, 0] and rows[row, 1] <= MAX_LINKED * rows[row, 0]:
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
    return _holds(elements, above, other) or _holds(elements, other, above)


@compiled
def _holds(elements: I32, outer: int, inner: int) -> bool:
    while inner > outer:
        inner = elements[inner, PARENT]
    return inner == outer


@compiled
def _keep_links_between(page: Page, runs: I32, part: Part, strictness: Strictness, begin: int, end: int, kept: Flags) -> None:
    """Keep the links of the article that are lines of it: a paragraph between two paragraphs of running text, and the list that a colon introduces."""
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
def _introduce(page: Page, runs: I32, part: Part, strictness: Strictness, begin: int, kept: Flags) -> None:
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
