"""Web pages that were saved as files, one document a page, read as `kernels.reading.formats.web` reads those of an archive.

The address is the one that browsers leave in a comment when they save a page ("saved from url"), or that the page names as its own (canonical).
"""

import re
from collections.abc import Iterator

from kernels.reading.formats.web import PageConfig, read_page
from kernels.reading.parsing.text import whole
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

KEY = "page"
_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d+\)(\S{1,2000})\s*-->", re.IGNORECASE)
_CANONICAL = re.compile(r"<link\b[^<>]{0,500}?\brel\s*=\s*[\"']?canonical[\"']?[^<>]{0,1000}>", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s*=\s*[\"']?(https?://[^\s\"'<>]{1,2000})", re.IGNORECASE)


class HtmlConfig(PageConfig):
    """How much of a page counts as its article."""


def read(file: SourceFile, config: HtmlConfig) -> Iterator[Document | Reject]:
    """Yield the page of one file, or why it gives none."""
    data = whole(file, config.max_bytes)
    if isinstance(data, Reject):
        yield data
        return
    page = read_page(KEY, data, config)
    if isinstance(page, Reject):
        yield page
        return
    html, document = page
    yield document._replace(url=_address(html))


def _address(html: str) -> str | None:
    """Return the address that a saved page tells of itself."""
    if saved := _SAVED_FROM.search(html[: 1 << 16]):
        return saved[1]
    link = _CANONICAL.search(html[: 1 << 16])
    href = _HREF.search(link[0]) if link else None
    return href[1] if href else None


SPEC = SourceFormat(name="html", version=3, config=HtmlConfig, patterns=("*.html", "*.htm", "*.xhtml"), read=read)
