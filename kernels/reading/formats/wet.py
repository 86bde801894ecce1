"""Extracted texts of a WET file (Common Crawl): the conversion records of a WARC, plain text in UTF-8, one document a record."""

from collections.abc import Iterator
from typing import Any

from pydantic import PositiveInt

from kernels.reading.parsing.archive_records import address, date, payload, read_records
from kernels.reading.parsing.charsets import UTF8, UndecodableError, decode
from kernels.reading.parsing.text import tidy
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat


class WetConfig(Config):
    """How long a text may be."""

    max_bytes: PositiveInt
    """A longer text is a reject."""


def read(file: SourceFile, config: WetConfig) -> Iterator[Document | Reject]:
    """Stream the texts of a file, keyed by WARC-Record-ID."""
    return read_records(file, lambda key, record: _judge(key, record, config))


def _judge(key: str, record: Any, config: WetConfig) -> Document | Reject:
    if record.rec_type != "conversion":
        return Reject(key, "not_a_conversion", str(record.rec_type))
    data = payload(record, config.max_bytes)
    if data is None:
        return Reject(key, "damaged", "the file ends before the record's Content-Length")
    if len(data) > config.max_bytes:
        return Reject(key, "too_large", f"more than {config.max_bytes} bytes")
    try:
        decoded = decode(data)
    except UndecodableError as error:
        return Reject(key, "undecodable", str(error)[:200])
    if decoded.charset != UTF8:
        return Reject(key, "undecodable", f"not UTF-8; perhaps {decoded.charset}")
    text = tidy(decoded.text.replace("\0", ""))
    if not text:
        return Reject(key, "no_text", str(address(record)))
    headers = record.rec_headers
    languages = headers.get_header("WARC-Identified-Content-Language")
    metadata = {"date": date(record), **({"languages": languages} if languages else {}), **decoded.told()}
    return Document(key, text, text.split("\n", 1)[0][:200], address(record), metadata)


SPEC = SourceFormat(name="wet", version=2, config=WetConfig, patterns=("*.wet",), read=read)
