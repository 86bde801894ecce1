"""Which blocks of a page are its article; compiled.

They are those of the heaviest element that are no lists of links, from its first full paragraph to its last, with the headings, short paragraphs,
items and rows beside these.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import NamedTuple

import numpy as np

from kernels.reading.articles.choosing.lines import end_of_text, extended, introduce, is_text, keep_links_between
from kernels.reading.articles.choosing.part import find_part
from kernels.reading.articles.choosing.repeats import leave_out_second_copy
from kernels.reading.articles.choosing.teasers import count_teasers_as_links
from kernels.reading.articles.choosing.weigh import I32, Flags, Strictness, data_rows, discarded, is_full, line_runs, weigh
from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning.page import ELEMENT, NUM_BLOCKS, SIZE, Page

USUAL = Strictness(min_size=40, max_linked=0.4)
LENIENT = Strictness(min_size=25, max_linked=0.7)
"""For a page of which the usual measure finds nothing."""
ANY_TEXT = Strictness(min_size=1, max_linked=0.7)
"""For a page that is all rows and items; what is found must be as long as MIN_ANY_TEXT."""
MIN_ANY_TEXT = 100
MIN_TRUSTED_SHARE = 0.2
"""If names leave less than this of what would be chosen without them, they mean something else on this page."""


class Choice(NamedTuple):
    """For each block whether it is of the article, and how much of what is chosen with or without heed to names is chosen both ways, from 0 to 1.

    The latter is 0 where neither way finds running text, and 1 where there is no text.
    """

    kept: Flags
    agreement: float


@compiled
def choose(page: Page, include_tables: bool, headline: int) -> Choice:
    """Return which blocks are the article, none where there is no article; ``headline`` is an element, see `find_part`."""
    count_teasers_as_links(page)
    runs, rows = line_runs(page), data_rows(page)
    sizes = page.blocks[: page.state[NUM_BLOCKS], SIZE]
    kept = _choose(page, runs, rows, include_tables, headline, True, USUAL)
    all_named = _choose(page, runs, rows, include_tables, headline, False, USUAL)
    agreement = (kept * all_named * sizes).sum() / max(1, ((kept | all_named) * sizes).sum()) if len(sizes) else 1.0
    if (kept * sizes).sum() < MIN_TRUSTED_SHARE * (all_named * sizes).sum():
        kept = all_named
    if not kept.any():
        kept = _choose(page, runs, rows, include_tables, headline, True, LENIENT)
    if not kept.any():
        kept = _choose(page, runs, rows, include_tables, headline, True, ANY_TEXT)
        if (kept * sizes).sum() < MIN_ANY_TEXT:
            kept[:] = False
    leave_out_second_copy(page, kept)
    return Choice(kept, agreement)


@compiled
def _choose(page: Page, runs: I32, rows: I32, include_tables: bool, headline: int, trusts_names: bool, strictness: Strictness) -> Flags:
    gone = discarded(page, runs, rows, include_tables, trusts_names, strictness)
    sums = weigh(page, runs, rows, gone, strictness)
    part = find_part(page, rows, sums, gone, headline)
    kept = np.zeros(page.state[NUM_BLOCKS], np.bool_)
    first, last = -1, -1
    for number in range(end_of_text(page, part)):
        if not part.inside[page.blocks[number, ELEMENT]] or gone[page.blocks[number, ELEMENT]] or not is_text(page, rows, number):
            continue
        kept[number] = True
        if is_full(page, runs, number, strictness):
            first = number if first < 0 else first
            last = number
    if first < 0:
        kept[:] = False
        return kept
    begin = extended(page, rows, part, first, -1)
    end = extended(page, rows, part, last, 1)
    kept[:begin] = False
    kept[begin : first + 1] = True
    kept[last : end + 1] = True
    kept[end + 1 :] = False
    keep_links_between(page, runs, part, strictness, begin, end, kept)
    introduce(page, runs, part, strictness, begin, kept)
    return kept
