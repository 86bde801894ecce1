"""Web pages of a WARC or ARC file as the text of their articles.

Input: `kernels.reading.parsing.archive_records`. The text is Trafilatura's (Barbaresi 2021, https://aclanthology.org/2021.acl-demo.15/) or, with the
fast extractor where it is sure, that of `kernels.reading.articles.article`. Trafilatura is called directly: datatrove's wrapper stops each page
by the clock and drops what earlier pages already said, so that its bytes depend on the machine and on the order of pages.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import PositiveInt

from kernels.reading.articles.article import find_article
from kernels.reading.articles.markup import page_title
from kernels.reading.articles.scripts import resolve_tree
from kernels.reading.parsing.archive_records import address, date, payload, read_records
from kernels.reading.parsing.charsets import UndecodableError, decode
from kernels.reading.parsing.robots import refusal_in_headers, refusal_in_page
from kernels.reading.parsing.text import tidy
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

HTML_TYPES = ("text/html", "application/xhtml+xml")
CONTENT_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
"""Others need packages that may be absent: they are rejects everywhere, so that the documents are the same everywhere."""

HEAD_BYTES = 1 << 16
"""Where a page's own declarations are looked for."""

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.+-]{2,40})", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w:.+-]{2,40})", re.IGNORECASE)
_TABLE = re.compile(r"^\|.*\|\n\|(?:-+\|)+\n(?:\|.*\|(?:\n|\Z))*", re.MULTILINE)


class PageConfig(Config):
    """How much of a page counts as its article, wherever it was kept."""

    extractor: Literal["careful", "fast"] = "careful"
    """``careful``: Trafilatura. ``fast``: `kernels.reading.articles.article`, and Trafilatura only for the few pages in a hundred where that is not
    sure; 6 to 15 times as fast. Better on news in many scripts, not told apart on other news, documentation and mixed pages
    (`tests.bench.extraction`). It heeds ``favor`` only where it asks Trafilatura. A document's ``extractor`` tells who found its text."""
    favor: Literal["precision", "recall", "balance"]
    """What Trafilatura prefers where it is unsure: less text but right, or more text."""
    include_tables: bool
    """Whether the cells of tables are text."""
    max_bytes: PositiveInt
    """A longer page is a reject: this bounds memory and time without a clock."""
    respect_robots: bool = True
    """Whether a page that asks not to be indexed (robots meta tag, X-Robots-Tag) is a reject."""
    robots_agents: tuple[str, ...] = ()
    """Names of crawlers, such as ``ccbot``, whose own rules count beside those that are for all."""


class WebConfig(PageConfig):
    """How much of a page counts as its article."""


def read(file: SourceFile, config: WebConfig) -> Iterator[Document | Reject]:
    """Stream the pages of a file, keyed by WARC-Record-ID (ARC: address and date); what is no page is a reject with the reason."""
    return read_records(file, lambda key, record: _judge(key, record, config))


def _judge(key: str, record: Any, config: WebConfig) -> Document | Reject:
    if record.rec_type != "response":
        return Reject(key, "not_a_response", str(record.rec_type))
    refused = _refusal(key, record, config)
    if refused is not None:
        return refused
    http = record.http_headers
    content_type = (http.get_header("Content-Type") or "").lower()
    data = payload(record, config.max_bytes)
    if data is None:
        return Reject(key, "damaged", "the file ends before the record's Content-Length")
    page = read_page(key, data, config, content_type, date(record))
    if isinstance(page, Reject):
        return page
    _, document = page
    metadata = {**document.metadata, "date": date(record), "mime": content_type.partition(";")[0].strip(), "status": 200}
    return document._replace(url=address(record), metadata=metadata)


def read_page(key: str, data: bytes, config: PageConfig, content_type: str = "", fetched: str | None = None) -> tuple[str, Document] | Reject:
    """Return a page as text of HTML and as the document of its article, or why it gives none.

    Args:
        key: of the document.
        data: the page, perhaps cut one byte behind ``config.max_bytes``.
        config: how it is read.
        content_type: the header that declares its charset.
        fetched: when it was fetched (ISO 8601).
    """
    if len(data) > config.max_bytes:
        return Reject(key, "too_large", f"more than {config.max_bytes} bytes")
    try:
        page = decode(data, declared_charsets(data, content_type))
    except UndecodableError as error:
        return Reject(key, "undecodable", str(error)[:200])
    html = page.text.replace("\0", "")
    if config.respect_robots and (refusal := refusal_in_page(html[:HEAD_BYTES], config.robots_agents, fetched)):
        return Reject(key, "noindex", refusal[:200])
    text, title, extractor = extract_article(tidy(html), config)
    if not text:
        return Reject(key, "no_text", title or "")
    return html, Document(key, text, title, metadata={**page.told(), "charset": page.charset, "extractor": extractor})


def _refusal(key: str, record: Any, config: PageConfig) -> Reject | None:
    """Return why a response's headers rule it out, None where they do not."""
    http = record.http_headers
    content_type = ((http and http.get_header("Content-Type")) or "").lower()
    if (address(record) or "").partition("?")[0].endswith("/robots.txt"):
        return Reject(key, "robots_txt", str(address(record)))
    if http is None or content_type.partition(";")[0].strip() not in HTML_TYPES:
        return Reject(key, "not_html", content_type)
    if http.get_statuscode() != "200":
        return Reject(key, "status", str(http.get_statuscode()))
    content_encoding = (http.get_header("Content-Encoding") or "").strip().lower()
    if content_encoding not in CONTENT_ENCODINGS:
        return Reject(key, "content_encoding", content_encoding)
    tags = [value for name, value in http.headers if name.lower() == "x-robots-tag"]
    if tags and config.respect_robots and (refusal := refusal_in_headers(tags, config.robots_agents, date(record))):
        return Reject(key, "noindex", refusal[:200])
    return None


def declared_charsets(data: bytes, content_type: str = "") -> list[str]:
    """Return the labels by which the header of a page, and then the page itself, declare its charset."""
    declared = [_HEADER_CHARSET.search(content_type), _META_CHARSET.search(data[:HEAD_BYTES])]
    labels = [match[1] for match in declared if match]
    return [label.decode("ascii", "replace") if isinstance(label, bytes) else label for label in labels]


def extract_article(html: str, config: PageConfig) -> tuple[str, str | None, str]:
    """Return the article's text, empty where there is none, the page's title, and which extractor found it: ``blocks`` or ``trafilatura``."""
    if config.extractor == "careful":
        return *_ask_trafilatura(html, config), "trafilatura"
    article = find_article(html, include_tables=config.include_tables)
    if not article.is_sure:
        text, _ = _ask_trafilatura(html, config)
        if text:
            return text, article.title, "trafilatura"
    return tidy(article.text), article.title, "blocks"


def _ask_trafilatura(html: str, config: PageConfig) -> tuple[str, str | None]:
    """Return the article's text and the page's title; for the fast extractor, without the other extractors that Trafilatura holds against its own."""
    from trafilatura import extract, load_html

    tree: Any = load_html(html)
    if tree is None:
        return "", None
    title = page_title(tree)  # before the extraction, which takes the tree apart
    resolve_tree(tree)
    text = extract(
        tree,
        fast=config.extractor == "fast",
        favor_precision=config.favor == "precision",
        favor_recall=config.favor == "recall",
        include_tables=config.include_tables,
        include_comments=False,
    )
    return _TABLE.sub(_plain_rows, tidy(text or "")), title


def _plain_rows(table: re.Match[str]) -> str:
    """Return the rows of a table in Markdown as `kernels.reading.articles.article` writes them."""
    header, _, *rows = table[0].split("\n")
    return "\n".join(row[1:].removesuffix("|").strip() for row in [header, *rows])


SPEC = SourceFormat(name="web", version=7, config=WebConfig, patterns=("*.warc", "*.arc"), read=read)
