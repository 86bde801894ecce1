"""Plain text in UTF-8, or the charset that a byte order mark or the recipe names.

A file is one document, or it is cut at blank lines or at a separator such as ``<|endoftext|>``.
"""

import io
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import PositiveInt, model_validator

from kernels.reading.parsing.charsets import num_bad_runs
from kernels.reading.parsing.keys import SeenKeys, text_key
from kernels.reading.parsing.lines import Piece, lines
from kernels.reading.parsing.rows import BadRecordError, decode
from kernels.reading.parsing.samples import SEPARATORS, head_text
from kernels.reading.parsing.text import DamagedFileError, tidy
from kernels.reading.parsing.transcoding import Charset, Utf8Stream, utf8_stream
from kernels.specs.config import Config
from kernels.specs.sources import Document, Recognised, Reject, SourceFile, SourceFormat

_CHUNK_BYTES = 1 << 16


class PlainTextConfig(Config):
    """How a file is cut into documents."""

    split: Literal["file", "blank_lines", "separator"]
    """One document a file, one a run of lines that are not blank, or one between two separators."""
    separator: str | None = None
    """What stands between two documents, where ``split`` says so; it is part of neither."""
    max_bytes: PositiveInt
    """A larger document is a reject."""
    undecodable: Literal["reject", "replace"] = "reject"
    """What becomes of a document that is not valid UTF-8: a reject, or text with U+FFFD in the place of the bad bytes, counted in its metadata."""
    charset: Charset | None = None
    """The charset of files without a byte order mark, where they are not UTF-8, by one of its WHATWG labels, such as ``windows-1252``."""

    @model_validator(mode="after")
    def _has_separator(self) -> Self:
        if (self.split == "separator") != bool(self.separator):
            raise ValueError("separator: give one with split: separator, and with nothing else")
        return self


def read(file: SourceFile, config: PlainTextConfig) -> Iterator[Document | Reject]:
    """Stream the documents of a file: key ``text`` for a whole file, else a hash of the text."""
    with utf8_stream(file, config.charset) as stream, SeenKeys() as keys:
        found = False
        for piece in _pieces(stream, config):
            try:
                document = _document(piece, stream, config)
                if document is not None and not keys.add(document.key):
                    raise BadRecordError("duplicate_key", document.key)
            except BadRecordError as error:
                yield Reject(piece.key if isinstance(piece, Reject) else piece.place, error.reason, error.detail)
                found = True
                continue
            if document is not None:
                yield document
                found = True
        if not found:
            yield Reject("file", "no_text", "only white space")


def _document(piece: Piece | Reject, stream: Utf8Stream, config: PlainTextConfig) -> Document | None:
    """Return the document of a piece, None where it is only white space."""
    if isinstance(piece, Reject):
        raise BadRecordError(piece.reason, piece.detail)
    if piece.data is None:
        raise BadRecordError("too_large", piece.too_large(config.max_bytes).detail)
    if b"\0" in piece.data:
        raise BadRecordError("binary", "NUL bytes in what should be text")
    text = tidy(decode(piece.data, config.undecodable))
    if not text.strip():
        return None
    told = stream.told(num_bad_runs(piece.data) if config.undecodable == "replace" else 0)
    return Document("text" if config.split == "file" else text_key(text), text, metadata=told)


def _pieces(stream: io.RawIOBase, config: PlainTextConfig) -> Iterator[Piece | Reject]:
    if config.split == "blank_lines":
        return _paragraphs(lines(stream, config.max_bytes), config.max_bytes)
    return _separated(stream, (config.separator or "").encode(), config.max_bytes)


class _Held:
    """Bytes of one document, counted past the bound and held up to it."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._data = bytearray()
        self._size = 0

    def add(self, data: bytes | bytearray | None, size: int) -> None:
        self._size += size
        if self._size > self._max_bytes:
            self._data.clear()
        elif data is not None:
            self._data += data

    def take(self, place: str) -> Piece:
        piece = Piece(place, bytes(self._data) if self._size <= self._max_bytes else None, self._size)
        self._data.clear()
        self._size = 0
        return piece


def _paragraphs(pieces: Iterator[Piece | Reject], max_bytes: int) -> Iterator[Piece | Reject]:
    held = _Held(max_bytes)
    place = ""
    for piece in pieces:
        if isinstance(piece, Reject):
            yield piece
            return
        if piece.data is not None and not piece.data.strip():
            if place:
                yield held.take(place)
            place = ""
            continue
        place = place or piece.place
        held.add(piece.data, piece.size_bytes)
    if place:
        yield held.take(place)


def _separated(stream: io.RawIOBase, separator: bytes, max_bytes: int) -> Iterator[Piece | Reject]:
    """Yield what stands between separators; without a separator the whole stream is one piece."""
    held = _Held(max_bytes)
    number = 1
    tail = b""
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            *whole, rest = (tail + chunk).split(separator) if separator else [tail + chunk]
            for data in whole:
                held.add(data, len(data))
                yield held.take(f"document {number}")
                number += 1
            sure = max(len(rest) - len(separator) + 1, 0) if separator else len(rest)
            held.add(rest[:sure], sure)
            tail = rest[sure:]
    except DamagedFileError as error:
        yield Reject(f"after document {number - 1}" if separator else "file", "damaged", str(error))
        return
    held.add(tail, len(tail))
    yield held.take(f"document {number}" if separator else "file")


def recognise(file: SourceFile) -> Recognised | None:
    """Return whether a file has documents between separators that other tools write; any other text is read as a book."""
    text = head_text(file)
    found = next((separator for separator in SEPARATORS if separator in text), None)
    return None if found is None else Recognised({"split": "separator", "separator": f'"{found}"'}, f"texts parted by {found}")


SPEC = SourceFormat(name="text", version=2, config=PlainTextConfig, patterns=("*.txt", "*.text"), read=read, recognise=recognise)
