"""Files of text as streams of UTF-8 without a byte order mark, whatever charset they are in: what readers of lines, rows and JSON begin with.

Lines that end in CR alone from the beginning of a file on come out with LF. Bytes that do not fit the charset come out as bytes that are not
UTF-8, so that the record they stand in is judged by its reader.
"""

import codecs
import io
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from kernels.reading.parsing.charsets import UTF8, codec_of, marked, told, unmarked_utf16, whatwg_name
from kernels.reading.parsing.text import DamagedFileError, decompressed
from kernels.specs.sources import SourceFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MARK_BYTES = 4
"""The longest byte order mark."""
NOTHING: Mapping[str, str | int] = MappingProxyType({})
HEAD_BYTES = 1 << 16
"""How much of a file tells whether it is UTF-16 without a mark, and whether its lines end as those of old Macintoshes do (CR alone)."""
_BAD = "\udcff"


def _known(label: str) -> str:
    if codec_of(label) is None:
        raise ValueError(f"no charset is named {label!r}; give a label of https://encoding.spec.whatwg.org/#names-and-labels, such as windows-1252")
    return label


Charset = Annotated[str, AfterValidator(_known)]
"""A label of a charset, as a recipe gives it."""


def _as_bad_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _BAD, error.end


codecs.register_error("modelmill.bad_byte", _as_bad_byte)


class Utf8Stream(io.RawIOBase):
    """Bytes in UTF-8; ``charset`` tells in which charset the file is (WHATWG's name), once something has been read."""

    def __init__(self, stream: io.RawIOBase, label: str | None = None) -> None:
        """Read from a stream, in the charset of this label unless a byte order mark tells another."""
        self.charset = UTF8
        self._stream = stream
        self._label = label
        self._decoder: codecs.IncrementalDecoder | None = None
        self._held = b""
        self._damage: DamagedFileError | None = None
        self._is_begun = self._is_done = self._has_mac_lines = False

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill a buffer as far as there is something; return how many bytes that are. Raises DamagedFileError."""
        view = memoryview(buffer)
        if not self._is_begun:
            self._begin()
        if not self._held and self._decoder is None and self._damage is None and not self._has_mac_lines:
            return self._stream.readinto(view) or 0
        while not self._held and not self._is_done:
            if self._damage is not None:
                raise self._damage
            data = self._stream.read(len(view)) or b""
            self._is_done = not data
            self._held = self._as_utf8(data).replace(b"\r", b"\n") if self._has_mac_lines else self._as_utf8(data)
        size = min(len(view), len(self._held))
        view[:size] = self._held[:size]
        self._held = self._held[size:]
        return size

    def _begin(self) -> None:
        """Tell the charset by the first bytes; damage among them is told when they have been read."""
        self._is_begun = True
        head = b""
        try:
            while len(head) < MARK_BYTES and (data := self._stream.read(HEAD_BYTES)):
                head += data
        except DamagedFileError as error:
            self._damage = error
        size, codec = marked(head) or (0, self._unmarked(head))
        self.charset = whatwg_name(codec)
        if codec != UTF8:
            self._decoder = codecs.getincrementaldecoder(codec)("modelmill.bad_byte")
        held = self._as_utf8(head[size:])
        self._has_mac_lines = b"\r" in held[:-1] and b"\n" not in held
        self._held = held.replace(b"\r", b"\n") if self._has_mac_lines else held

    def _unmarked(self, head: bytes) -> str:
        found = codec_of(self._label) if self._label else None
        return found[1] if found else unmarked_utf16(head) or UTF8

    def _as_utf8(self, data: bytes) -> bytes:
        return data if self._decoder is None else self._decoder.decode(data, self._is_done).encode(UTF8, "surrogateescape")

    def told(self, num_replaced: int = 0) -> Mapping[str, str | int]:
        """Return what the metadata of a record says of its decoding."""
        return told(self.charset, num_replaced) if num_replaced or self.charset is not UTF8 else NOTHING


@contextmanager
def utf8_stream(file: SourceFile, charset: str | None = None) -> Generator[Utf8Stream, None, None]:
    """Open a file of text, decompressed as its name says. ``charset`` is a label that the recipe gives it.

    Raises:
        DamagedFileError: from ``read``, where the compressed data is damaged.
    """
    with decompressed(file) as stream:
        yield Utf8Stream(stream, charset)
