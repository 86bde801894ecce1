"""The article of a web page, without menus, advertisements and comments, and whether that is sure.

libxml2 builds the tree, and compiled loops read its serialised form once, weigh its blocks and write out those that are chosen.

Paragraphs, headings and list items are a line each, code keeps its lines, a row of a table is one line with `` | `` between its cells, formulas are
their TeX, superscripts and subscripts follow `kernels.reading.articles.scripts`. A headline that the title repeats is left out.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from kernels.reading.articles.markup import serialised
from kernels.reading.articles.scripts import resolve_marks

MIN_HEADLINE = 15
"""A shorter heading may be in the title by chance, as the name of the site is."""
MIN_AGREEMENT = 0.8
"""An article is sure if at least this much of its text is found both by who believes names of parts and by who does not."""


class Article(NamedTuple):
    """What was found: the text, empty where there is no article, the page's title, and whether two readings of the page agree on the text."""

    text: str
    title: str | None
    is_sure: bool


def find_article(html: str, *, include_tables: bool) -> Article:
    """Return the article of a page."""
    markup, title = serialised(html)
    if not markup:
        return Article("", None, is_sure=True)
    from kernels.reading.articles.choosing.choose import choose
    from kernels.reading.articles.compose import compose

    page = _read(markup)
    headlines = _headlines(page, title)
    kept, agreement = choose(page, include_tables, _element_of_headline(page, headlines))
    _leave_out_headline(page, kept, headlines)
    text = resolve_marks(compose(page, kept).tobytes().decode("utf-8", "replace"))
    return Article(text, title, is_sure=bool(agreement >= MIN_AGREEMENT))


@cache
def _tables() -> tuple[Any, Any]:
    from kernels.reading.articles.scanning.names import make_names
    from kernels.reading.articles.scanning.tags import tag_table

    return tag_table(), make_names()


def _read(markup: bytes) -> Any:
    from kernels.reading.articles.scanning.page import make_page
    from kernels.reading.articles.scanning.scan import scan

    data = np.frombuffer(markup, np.uint8)
    page = make_page(data)
    scan(data, page, *_tables())
    return page


def _headlines(page: Any, title: str | None) -> list[int]:
    """Return the headings, as numbers of their blocks, that say what the title or a part of it does."""
    from kernels.reading.articles.scanning.page import END, KIND, NUM_BLOCKS, START
    from kernels.reading.articles.scanning.tags import HEADING

    if title is None:
        return []
    title = title.casefold()
    found: list[int] = []
    blocks = page.blocks[: page.state[NUM_BLOCKS]]
    for number in np.flatnonzero(blocks[:, KIND] & HEADING > 0):
        heading = page.text[blocks[number, START] : blocks[number, END]].tobytes().decode("utf-8", "replace")
        if heading.casefold() in title:
            found.append(int(number))
    return found


def _element_of_headline(page: Any, headlines: list[int]) -> int:
    """Return the element of the first headline that is long enough to be one, 0 where none is."""
    from kernels.reading.articles.scanning.page import ELEMENT, SIZE

    return next((int(page.blocks[number, ELEMENT]) for number in headlines if page.blocks[number, SIZE] >= MIN_HEADLINE), 0)


def _leave_out_headline(page: Any, kept: Any, headlines: list[int]) -> None:
    """Take out the headlines of the first rank that say what the title does."""
    from kernels.reading.articles.scanning.page import KIND
    from kernels.reading.articles.scanning.tags import HEADLINE

    for number in headlines:
        if page.blocks[number, KIND] & HEADLINE:
            kept[number] = False
