"""Web pages of a WARC or ARC file as the text of their articles.

Input: `kernels.reading.parsing.archive_records`. The text is Trafilatura's (Barbaresi 2021, https://aclanthology.org/2021.acl-demo.15/) or, with the
fast extractor, that of `kernels.reading.articles.article`. Trafilatura is called directly: datatrove's wrapper stops each page
by the clock and drops what earlier pages already said, so that its bytes depend on the machine and on the order of pages.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import PositiveInt

from kernels.reading.articles.article import find_article
from kernels.reading.articles.markup import page_title
from kernels.reading.articles.scripts import resolve_tree
from kernels.reading.parsing.archive_records import address, date, payload, read_records
from kernels.reading.parsing.text import tidy
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

HTML_TYPES = ("text/html", "application/xhtml+xml")
CONTENT_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
"""Others need packages that may be absent: they are rejects everywhere, so that the documents are the same everywhere."""

HEAD_BYTES = 1 << 16
"""Where a page's own declarations are looked for."""

_META_ROBOTS = re.compile(
    rb"<meta[^>]{0,200}?name\s*=\s*[\"']?robots[\"']?[^>]{0,200}?content\s*=\s*[\"']?[^>\"']{0,100}?(?:noindex|none)", re.IGNORECASE
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w-]{2,40})", re.IGNORECASE)
_TABLE = re.compile(r"^\|.*\|\n\|(?:-+\|)+\n(?:\|.*\|(?:\n|\Z))*", re.MULTILINE)
_SUPERSETS = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
"""The encodings that browsers read under these names (https://encoding.spec.whatwg.org/#names-and-labels)."""


class WebConfig(Config):
    """How much of a page counts as its article."""

    extractor: Literal["careful", "fast"] = "careful"
    """``careful``: Trafilatura. ``fast``: `kernels.reading.articles.article`, 6 to 20 times as fast, without asking the other; better on pages of
    documentation and of news in many scripts, somewhat worse on news and on mixed pages (`tests.bench.extraction`). It pays no heed to ``favor``."""
    favor: Literal["precision", "recall", "balance"]
    """What Trafilatura prefers where it is unsure: less text but right, or more text."""
    include_tables: bool
    """Whether the cells of tables are text."""
    max_bytes: PositiveInt
    """A longer page is a reject: this bounds memory and time without a clock."""
    respect_robots: bool = True
    """Whether a page that asks not to be indexed (robots meta tag, X-Robots-Tag) is a reject."""


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
    if len(data) > config.max_bytes:
        return Reject(key, "too_large", f"more than {config.max_bytes} bytes")
    if config.respect_robots and (meta := _META_ROBOTS.search(data[:HEAD_BYTES])):
        return Reject(key, "noindex", meta[0].decode("utf-8", "replace")[:200])
    html, charset = _decode(data, content_type)
    text, title, extractor = extract_article(tidy(html), config)
    if not text:
        return Reject(key, "no_text", title or "")
    metadata = {
        "charset": charset,
        "date": date(record),
        "extractor": extractor,
        "mime": content_type.partition(";")[0].strip(),
        "status": 200,
    }
    return Document(key, text, title, address(record), metadata)


def _refusal(key: str, record: Any, config: WebConfig) -> Reject | None:
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
    robots = (http.get_header("X-Robots-Tag") or "").lower()
    if config.respect_robots and ("noindex" in robots or "none" in robots):
        return Reject(key, "noindex", robots)
    return None


def _decode(data: bytes, content_type: str) -> tuple[str, str]:
    """Return a page as text, and its charset.

    The charset is the first that the page is valid in: that of a byte order mark, of the header, of the page itself, UTF-8, and else what
    charset-normalizer takes it for by the frequency of characters.
    """
    declared = _HEADER_CHARSET.search(content_type)
    inside = _META_CHARSET.search(data[:HEAD_BYTES])
    names = [declared[1] if declared else "", inside[1].decode("ascii", "replace") if inside else "", "utf-8"]
    if data.startswith(codecs.BOM_UTF8):
        names.insert(0, "utf-8-sig")
    for name in filter(None, names):
        try:
            codec = codecs.lookup(name).name
            codec = _SUPERSETS.get(codec, codec)
            return data.decode(codec).replace("\0", ""), codec
        except (LookupError, UnicodeError):
            continue
    if "utf-8" in names[:-1]:
        return data.decode("utf-8", errors="replace").replace("\0", ""), "utf-8"
    charset = _guess(data)
    return data.decode(charset, errors="replace").replace("\0", ""), charset


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:HEAD_BYTES]).best()
    return best.encoding if best is not None else "cp1252"


def extract_article(html: str, config: WebConfig) -> tuple[str, str | None, str]:
    """Return the article's text, empty where there is none, the page's title, and which extractor found it."""
    from trafilatura import extract, load_html

    if config.extractor == "fast":
        article = find_article(html, include_tables=config.include_tables)
        return tidy(article.text), article.title, "blocks"
    tree: Any = load_html(html)
    if tree is None:
        return "", None, "trafilatura"
    title = page_title(tree)  # before the extraction, which takes the tree apart
    resolve_tree(tree)
    text = extract(
        tree,
        favor_precision=config.favor == "precision",
        favor_recall=config.favor == "recall",
        include_tables=config.include_tables,
        include_comments=False,
    )
    return _TABLE.sub(_plain_rows, tidy(text or "")), title, "trafilatura"


def _plain_rows(table: re.Match[str]) -> str:
    """Return the rows of a table in Markdown as `kernels.reading.articles.article` writes them."""
    header, _, *rows = table[0].split("\n")
    return "\n".join(row[1:].removesuffix("|").strip() for row in [header, *rows])


SPEC = SourceFormat(name="web", version=4, config=WebConfig, patterns=("*.warc", "*.warc.gz", "*.arc", "*.arc.gz"), read=read)
