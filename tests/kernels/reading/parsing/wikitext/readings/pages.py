"""How the tables of readings are read: as a page of some wiki that was written on the first of May 2016."""

import datetime

from kernels.reading.parsing.wikitext.page import read_page
from kernels.reading.parsing.wikitext.templates.arguments import Wiki


def shown(wikitext: str, language: str = "en") -> str:
    """Return the plain text of wikitext."""
    return read_page(wikitext, Wiki(frozenset({"file", "category"}), language, "Title", datetime.date(2016, 5, 1)), ()).text
