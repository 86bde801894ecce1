"""Records of web archives, one by one in bounded memory: WARC (ISO 28500) and ARC 1, plain, gzipped by record or as a whole, by warcio.

A file that breaks off gives what is whole and one reject; a record that goes on behind its Content-Length is told of and stepped over. Of two
records of one key (a file copied behind itself, two captures in a second) the first that gives a document counts.
"""

import io
import re
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from kernels.reading.parsing.keys import SeenKeys
from kernels.reading.parsing.text import DamagedFileError, decompressed
from kernels.specs.sources import Document, Reject, SourceFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PARSE_ERRORS = (AttributeError, EOFError, IndexError, KeyError, OverflowError, TypeError, ValueError, zlib.error)
"""What warcio raises on records that are not as the format says."""
MAX_LINE_BYTES = 16 << 20
"""Bytes without a line feed at which a file counts as damaged: no header is so long, and warcio would hold it whole."""


class _Guard(io.RawIOBase):
    """Another stream, until it gives `MAX_LINE_BYTES` without a line feed."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._since_feed = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        count = self._stream.readinto(view) or 0
        data = bytes(view[:count])
        place = data.rfind(b"\n")
        self._since_feed = self._since_feed + count if place < 0 else count - place - 1
        if self._since_feed > MAX_LINE_BYTES:
            raise DamagedFileError(f"more than {MAX_LINE_BYTES} bytes without a line feed")
        return count


def read_records(file: SourceFile, judge: Callable[[str, Any], Document | Reject]) -> Iterator[Document | Reject]:
    """Stream what ``judge`` makes of each record, given its key (WARC-Record-ID, else address and date) and warcio's record."""
    from warcio.archiveiterator import ArchiveIterator  # pyright: ignore[reportMissingTypeStubs]

    place = "start"
    num_errors = 0
    record: Any = None
    reason = ""
    try:
        with decompressed(file) as stream, SeenKeys() as keys:
            archive: Any = ArchiveIterator(_Guard(stream))
            for record in _sound(archive):
                if archive.err_count > num_errors:
                    num_errors = archive.err_count
                    yield Reject(place, "damaged", "the record goes on behind its Content-Length")
                key = _key(record)
                place = f"after {key}"
                found = judge(key, record)
                if isinstance(found, Document) and not keys.add(key):
                    found = Reject(key, "duplicate_key", address(record) or "")
                reason = found.reason if isinstance(found, Reject) else ""
                yield found
            if archive.err_count > num_errors:
                yield Reject(place, "damaged", "the record goes on behind its Content-Length, and no other record was found")
            elif record is not None and reason != "damaged" and _is_cut(record):
                yield Reject(place, "damaged", "the file ends before the record's Content-Length; what it should have held is lost")
    except DamagedFileError as error:
        yield Reject(place, "damaged", str(error))


def _sound(archive: Any) -> Iterator[Any]:
    """Yield records until warcio stumbles: over damaged headers it raises whatever its parser does."""
    from warcio.exceptions import ArchiveLoadFailed  # pyright: ignore[reportMissingTypeStubs]

    while True:
        try:
            record = next(archive, None)
        except (ArchiveLoadFailed, *PARSE_ERRORS) as error:
            raise DamagedFileError(str(error)) from error
        if record is None:
            return
        yield record


def _key(record: Any) -> str:
    """Return the record's id, or else (ARC has none) its address and date."""
    identifier = record.rec_headers.get_header("WARC-Record-ID")
    return identifier.strip("<> ") if identifier else f"{address(record)} {date(record)}"


def address(record: Any) -> str | None:
    """Return the address that a record is about."""
    headers = record.rec_headers
    return (headers.get_header("WARC-Target-URI") or headers.get_header("uri") or "").strip("<> ") or None


def date(record: Any) -> str | None:
    """Return when a record was made, in the form of WARC (ISO 8601); ARC writes 14 digits."""
    digits = record.rec_headers.get_header("archive-date")
    if digits is None or not re.fullmatch(r"\d{14}", digits):
        return record.rec_headers.get_header("WARC-Date")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:]}Z"


def payload(record: Any, max_bytes: int) -> bytes | None:
    """Return at most one byte more than ``max_bytes`` of a record's content, and none where the file ends within the record."""
    try:
        data: bytes = record.content_stream().read(max_bytes + 1)
        while record.raw_stream.read(1 << 16):
            pass
    except PARSE_ERRORS:
        return None
    return None if _is_cut(record) else data


def _is_cut(record: Any) -> bool:
    """Return whether bytes are missing of a record that has been read to the file's end."""
    from warcio.limitreader import LimitReader  # pyright: ignore[reportMissingTypeStubs]

    return isinstance(record.raw_stream, LimitReader) and int(record.raw_stream.limit) > 0  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
