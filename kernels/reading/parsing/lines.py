"""Lines and JSON values of a stream, each of bounded length: a longer one is passed over and only its place and size are told."""

import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from kernels.reading.parsing.text import DamagedFileError
from kernels.specs.sources import Reject

_CHUNK_BYTES = 1 << 16
_STRUCTURE = re.compile(rb'["\\{}\[\],]|[^"\\{}\[\],]+')
_QUOTED = re.compile(rb'["\\]')
_SPACE = b" \t\r\n"
MAX_DEPTH = 1000
"""JSON nested deeper ends the reading: the parser would refuse the value, and looking for its end is slow."""


class Piece(NamedTuple):
    """A part of a file: where it is (``line 12``), its bytes, and how many they are; ``data`` is None where that is past the bound."""

    place: str
    data: bytes | None
    size_bytes: int

    def too_large(self, max_bytes: int) -> Reject:
        """Return the reject of a piece past the bound."""
        return Reject(self.place, "too_large", f"{self.size_bytes} bytes; at most {max_bytes} are read")


def lines(stream: io.RawIOBase, max_bytes: int) -> Iterator[Piece | Reject]:
    """Yield the lines of a stream, their line ends included, and a reject where damaged compression ends it."""
    buffered = io.BufferedReader(stream, _CHUNK_BYTES)
    number = 0
    try:
        while line := buffered.readline(max_bytes + 1):
            number += 1
            size = len(line)
            if size <= max_bytes or line.endswith(b"\n"):
                yield Piece(f"line {number}", line, size)
                continue
            while line and not line.endswith(b"\n"):
                line = buffered.readline(_CHUNK_BYTES)
                size += len(line)
            yield Piece(f"line {number}", None, size)
    except DamagedFileError as error:
        yield Reject(f"after line {number}", "damaged", str(error))


class _Values:
    """Cuts JSON text at the ends of its outermost values, or of the members of one array that holds all the rest."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.base: int | None = None
        self.depth = 0
        self.is_quoted = self.is_escaped = False
        self.held = bytearray()
        self.size = 0

    def _hold(self, data: bytes) -> None:
        self.size += len(data)
        if self.size <= self.max_bytes:
            self.held += data
        else:
            self.held.clear()

    def end(self) -> tuple[bytes | None, int] | None:
        """Return the value held, or None where there is only white space, and begin another."""
        data, size = bytes(self.held).strip(_SPACE), self.size
        self.held.clear()
        self.size = 0
        if size > self.max_bytes:
            return None, size
        return (data, size) if data else None

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes | None, int]]:
        start = 0
        while start < len(chunk):
            if self.is_quoted:
                start = self._string(chunk, start)
                continue
            token = _STRUCTURE.match(chunk, start)
            assert token is not None  # one of the two branches takes any byte
            start = token.end()
            if found := self._token(token[0]):
                yield found

    def _string(self, chunk: bytes, start: int) -> int:
        """Take the rest of a string, as far as the chunk has it; return where it ends."""
        position = start
        while position < len(chunk):
            if self.is_escaped:
                self.is_escaped = False
                position += 1
                continue
            mark = _QUOTED.search(chunk, position)
            if mark is None:
                position = len(chunk)
                break
            position = mark.end()
            self.is_escaped = mark[0] == b"\\"
            if not self.is_escaped:
                self.is_quoted = False
                break
        self._hold(chunk[start:position])
        return position

    def _token(self, token: bytes) -> tuple[bytes | None, int] | None:
        if self.base is None and token.strip(_SPACE + b"\xef\xbb\xbf"):
            self.base = int(token == b"[")
            if self.base:
                self.depth = 1
                self.held.clear()
                self.size = 0
                return None
        is_open, is_close = token in (b"{", b"["), token in (b"}", b"]")
        self.depth += is_open - is_close
        if self.depth < 0:  # a bracket that closes nothing ends a value, which will not parse
            self.depth = 0
            self._hold(token)
            return self.end()
        if (self.depth == self.base and token == b",") or self.depth < (self.base or 0):
            return self.end()
        self.is_quoted = token == b'"'
        self._hold(token)
        return self.end() if is_close and self.depth == self.base else None


def json_values(stream: io.RawIOBase, max_bytes: int) -> Iterator[Piece | Reject]:
    """Yield the members of a JSON array that is a whole file, or else the values that stand one behind the other in it."""
    values = _Values(max_bytes)
    number = 0
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            for data, size in values.feed(chunk):
                number += 1
                yield Piece(f"record {number}", data, size)
            if values.depth > MAX_DEPTH:
                yield Reject(f"after record {number}", "too_deep", f"nested deeper than {MAX_DEPTH}")
                return
    except DamagedFileError as error:
        yield Reject(f"after record {number}", "damaged", str(error))
        return
    if values.depth > 0 or values.is_quoted:
        yield Reject(f"after record {number}", "truncated", "the file ends within a JSON value")
    elif found := values.end():
        yield Piece(f"record {number + 1}", *found)
