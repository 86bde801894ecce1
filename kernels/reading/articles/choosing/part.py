"""Which part of a page holds its article: the heaviest element, or one within it that is named as the article or holds nearly all of it; compiled."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import NamedTuple

import numpy as np

from kernels.reading.articles.choosing.weigh import I32, Flags, Sums
from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning import names, tags
from kernels.reading.articles.scanning.page import ELEMENT, KIND, NAMES, NUM_BLOCKS, NUM_ELEMENTS, PARENT, ROW_OF, TAG, Page

MIN_MAIN_SHARE = 0.2
"""An element that its page calls the main one is it if it weighs this much of all."""
MIN_NAMED_SHARE = 0.8
"""An element within the heaviest that is named as the article is it if it weighs this much of that."""
MIN_NEARLY_ALL = 0.95
"""So is any element that weighs this much."""
MIN_RIVAL_SHARE = 0.1
"""An element named alike that weighs this much of it is another post or section: all of the heaviest one is taken then."""
MIN_TITLED_SIZE = 1000
"""An element named as the article is it if the title's headline is in it, it weighs this much, and others named alike follow with their headings."""
MAX_SECTION_LINKS = 0.7


class Part(NamedTuple):
    """For each element whether it is in the heaviest one, whether in what of that is kept, and whether it was discarded."""

    in_heaviest: Flags
    inside: Flags
    gone: Flags


@compiled
def find_part(page: Page, rows: I32, sums: Sums, gone: Flags, headline: int) -> Part:
    """Return the heaviest element, or the one within it that its page names as the article, if most of the text is there.

    Where whole articles follow each other it is the one with ``headline``, the element that says what the title does, 0 where none does.
    """
    num_elements, elements = page.state[NUM_ELEMENTS], page.elements
    best = _heaviest(page, sums, gone)
    in_heaviest, inside = np.zeros(num_elements, np.bool_), np.zeros(num_elements, np.bool_)
    in_heaviest[best] = True
    root = best
    for place in range(best + 1, num_elements):
        in_heaviest[place] = in_heaviest[elements[place, PARENT]]
        is_named = elements[place, TAG] & tags.ARTICLE or elements[place, NAMES] & names.NAMED_ARTICLE
        if in_heaviest[place] and sums.weight[place] >= (MIN_NAMED_SHARE if is_named else MIN_NEARLY_ALL) * sums.weight[best]:
            root = place
    if _has_rival(page, sums, root, best):
        root = best
    root = _titled_among_others(page, sums, root, headline)
    inside[root] = True
    for place in range(root + 1, num_elements):
        is_of_links = sums.weight[place] < 0 and sums.linked[place] >= MAX_SECTION_LINKS * sums.size[place]
        is_alone = elements[place, TAG] & tags.SECTION and not (elements[place, TAG] & (tags.ROW | tags.CELL) and rows[elements[place, ROW_OF], 0])
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
        if is_alike and holds(elements, best, place) and not holds(elements, root, place) and not holds(elements, place, root):
            return True
    return False


@compiled
def _titled_among_others(page: Page, sums: Sums, root: int, headline: int) -> int:
    """Return the article within a part that holds the headline of the title, if the next one has another heading; else the part."""
    elements, blocks = page.elements, page.blocks
    titled, above = root, headline
    while above > root:
        if elements[above, TAG] & tags.ARTICLE and sums.weight[above] >= MIN_TITLED_SIZE:
            titled = above
        above = elements[above, PARENT]
    if titled == root or above != root:
        return root
    for number in range(page.state[NUM_BLOCKS]):
        place = blocks[number, ELEMENT]
        if (
            place < titled
            or not blocks[number, KIND] & tags.HEADING
            or blocks[number, KIND] != elements[headline, TAG]
            or holds(elements, titled, place)
        ):
            continue
        while place > root:
            if elements[place, TAG] & tags.ARTICLE and sums.weight[place] >= MIN_TITLED_SIZE:
                return titled
            place = elements[place, PARENT]
    return root


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
def holds(elements: I32, outer: int, inner: int) -> bool:
    """Return whether an element is another or in it."""
    while inner > outer:
        inner = elements[inner, PARENT]
    return inner == outer
