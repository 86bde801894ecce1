"""Web pages of a WARC file as the text of their articles.

Input: ISO 28500 (WARC), plain or gzipped by record or as a whole, read by warcio. The text is Trafilatura's (Barbaresi 2021,
https://aclanthology.org/2021.acl-demo.15/), called directly: datatrove's wrapper stops each page by the clock and drops what earlier
pages already said, so that its bytes depend on the machine and on the order of pages.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Any, Literal, cast

from pydantic import PositiveInt

from kernels.sources.text import DamagedFileError, decompressed, tidy
from kernels.specs import Config, Document, Reject, SourceFile, SourceFormat

HTML_TYPES = ("text/html", "application/xhtml+xml")
CONTENT_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
"""Others need packages that may be absent: they are rejects everywhere, so that the documents are the same everywhere."""

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w-]{2,40})", re.IGNORECASE)
_SUPERSETS = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
"""The encodings that browsers read under these names (https://encoding.spec.whatwg.org/#names-and-labels)."""


class WebConfig(Config):
    """How much of a page counts as its article."""

    favor: Literal["precision", "recall", "balance"]
    """What Trafilatura prefers where it is unsure: less text but right, or more text."""
    include_tables: bool
    """Whether the cells of tables are text."""
    max_bytes: PositiveInt
    """A longer page is a reject: this bounds memory and time without a clock."""


def read(file: SourceFile, config: WebConfig) -> Iterator[Document | Reject]:
    """Stream the records of a file, keyed by WARC-Record-ID; a file that breaks off gives what is whole and one reject."""
    from warcio.archiveiterator import ArchiveIterator  # pyright: ignore[reportMissingTypeStubs]
    from warcio.exceptions import ArchiveLoadFailed  # pyright: ignore[reportMissingTypeStubs]

    place = "start"
    num_errors = 0
    try:
        with decompressed(file) as stream:
            archive: Any = ArchiveIterator(stream)
            for record in archive:
                if archive.err_count > num_errors:
                    num_errors = archive.err_count
                    yield Reject(place, "damaged", "the record goes on behind its Content-Length")
                key = _key(record)
                place = f"after {key}"
                yield _judge(key, record, config)
            if archive.err_count > num_errors:
                yield Reject(place, "damaged", "the record goes on behind its Content-Length, and no other record was found")
    except (DamagedFileError, ArchiveLoadFailed) as error:
        yield Reject(place, "damaged", str(error))


def _key(record: Any) -> str:
    """Return the record's id, or else its address and date."""
    headers = record.rec_headers
    identifier = headers.get_header("WARC-Record-ID")
    return identifier.strip("<> ") if identifier else f"{headers.get_header('WARC-Target-URI')} {headers.get_header('WARC-Date')}"


def _judge(key: str, record: Any, config: WebConfig) -> Document | Reject:
    if record.rec_type != "response":
        return Reject(key, "not_a_response", str(record.rec_type))
    http = record.http_headers
    content_type = ((http and http.get_header("Content-Type")) or "").lower()
    if http is None or content_type.partition(";")[0].strip() not in HTML_TYPES:
        return Reject(key, "not_html", content_type)
    if http.get_statuscode() != "200":
        return Reject(key, "status", str(http.get_statuscode()))
    content_encoding = (http.get_header("Content-Encoding") or "").strip().lower()
    if content_encoding not in CONTENT_ENCODINGS:
        return Reject(key, "content_encoding", content_encoding)
    data = _payload(record, config.max_bytes)
    if data is None:
        return Reject(key, "damaged", "the file ends before the record's Content-Length")
    if len(data) > config.max_bytes:
        return Reject(key, "too_large", f"more than {config.max_bytes} bytes")
    text, title = _extract(tidy(_decode(data, content_type)), config)
    if not text:
        return Reject(key, "no_text", title or "")
    return Document(key, text, title, (record.rec_headers.get_header("WARC-Target-URI") or "").strip("<> ") or None)


def _payload(record: Any, max_bytes: int) -> bytes | None:
    """Return at most one byte more than ``max_bytes`` of the page, and none where the file ends within the record."""
    from warcio.limitreader import LimitReader  # pyright: ignore[reportMissingTypeStubs]

    data = cast(bytes, record.content_stream().read(max_bytes + 1))
    while record.raw_stream.read(1 << 16):
        pass
    is_cut = isinstance(record.raw_stream, LimitReader) and cast(int, record.raw_stream.limit) > 0  # pyright: ignore[reportUnknownMemberType]
    return None if is_cut else data


def _decode(data: bytes, content_type: str) -> str:
    """Return a page as text by its byte order mark, the charset of header or page, or UTF-8: the first it is valid in."""
    declared = _HEADER_CHARSET.search(content_type)
    inside = _META_CHARSET.search(data[:4096])
    names = [declared[1] if declared else "", inside[1].decode("ascii", "replace") if inside else "", "utf-8"]
    if data.startswith(codecs.BOM_UTF8):
        names.insert(0, "utf-8-sig")
    for name in filter(None, names):
        try:
            codec = codecs.lookup(name).name
            return data.decode(_SUPERSETS.get(codec, codec)).replace("\0", "")
        except (LookupError, UnicodeError):
            continue
    return data.decode("utf-8" if "utf-8" in names[:-1] else "cp1252", errors="replace").replace("\0", "")


def _extract(html: str, config: WebConfig) -> tuple[str, str | None]:
    """Return the article's text, empty where there is none, and the page's title."""
    from trafilatura import extract, load_html

    tree: Any = load_html(html)
    if tree is None:
        return "", None
    title = " ".join((tree.findtext(".//title") or "").split()) or None
    text = extract(
        tree,
        favor_precision=config.favor == "precision",
        favor_recall=config.favor == "recall",
        include_tables=config.include_tables,
        include_comments=False,
    )
    return tidy(text or ""), title


SPEC = SourceFormat(name="web", version=1, config=WebConfig, patterns=("*.warc", "*.warc.gz"), read=read)
