"""What the source readers share: opening a file that may be compressed, and white space in one form.

White space that carries no meaning (line ends of other systems, blanks at line ends, surplus empty lines) is removed from every
document, so that a file rewritten with other white space gives the same documents.
"""

import bz2
import gzip
import io
import re
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kernels.reading.parsing.compression import Lz4Reader, XzReader, ZstdReader
from kernels.specs.sources import Reject, SourceFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class DamagedFileError(Exception):
    """The compressed data ends too early or is corrupt; all that stood before has been read."""


class _Stream(io.RawIOBase):
    """Bytes handed out piece by piece, so that what stands before damage is never lost in a half-filled buffer."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            data = self._read(len(view))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DamagedFileError(str(error)) from error
        except OSError as error:
            if error.errno is None:  # bz2 reports corrupt data by an OSError without a number
                raise DamagedFileError(str(error)) from error
            raise
        view[: len(data)] = data
        return len(data)


@contextmanager
def decompressed(file: SourceFile) -> Generator[io.RawIOBase, None, None]:
    """Open a file, decompressed as its name's ending says (`COMPRESSED`, and those of archives); several compressed members read as one.

    Raises:
        DamagedFileError: from ``read``, where the compressed data is damaged; ModuleNotFoundError: for ``.lz4`` without the extra ``lz4``.
    """
    name = file.path.lower()
    with file.open() as raw:
        if name.endswith((".gz", ".tgz")):
            with gzip.GzipFile(fileobj=raw, mode="rb") as inner:
                yield _Stream(inner.read1)
        elif name.endswith((".bz2", ".tbz2", ".tbz")):
            with bz2.BZ2File(raw) as inner:
                yield _Stream(inner.read1)
        elif name.endswith((".zst", ".tzst")):
            yield _Stream(ZstdReader(raw).read)
        elif name.endswith((".xz", ".lzma", ".txz")):
            yield _Stream(XzReader(raw).read)
        elif name.endswith(".lz4"):
            yield _Stream(Lz4Reader(raw).read)
        else:
            yield _Stream(raw.read)


def whole(file: SourceFile, max_bytes: int) -> bytes | Reject:
    """Return all that a file holds, decompressed, or why it is not read: damage, or more than ``max_bytes``."""
    data = bytearray()
    try:
        with decompressed(file) as stream:
            while len(data) <= max_bytes and (piece := stream.read(1 << 16)):
                data += piece
    except DamagedFileError as error:
        return Reject("file", "damaged", str(error))
    return bytes(data) if len(data) <= max_bytes else Reject("file", "too_large", f"more than {max_bytes} bytes")


def tidy(text: str, max_blank_lines: int = 1) -> str:
    """Return text with LF line ends, no blanks at line ends, no longer runs of blank lines, and no blank line at either end."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").split("\n")]
    tidied = "\n".join(lines)
    if "\n" * (max_blank_lines + 2) in tidied:  # looked for alone: a pattern takes ten times as long
        tidied = re.sub(rf"\n{{{max_blank_lines + 2},}}", "\n" * (max_blank_lines + 1), tidied)
    return tidied.strip("\n")
