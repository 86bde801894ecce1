"""Members of a tar archive, one after another in bounded memory: POSIX ustar and pax (IEEE 1003.1, pax), and GNU long names.

Read by hand, not by `tarfile`, which keeps all members and takes extended headers of any size into memory.
"""

import io
from collections.abc import Iterator
from typing import NamedTuple

from kernels.reading.code.members import CHUNK_BYTES, Budget, DamagedArchiveError, Member, Names, Wants
from kernels.specs.sources import Reject

BLOCK_BYTES = 512
MAX_EXTENSION_BYTES = 1 << 20
"""The largest extended header that is read; a path in one has a few hundred bytes."""
MAX_EXTENSIONS = 64
"""Extended headers before one member; real archives have two."""

_KINDS = {b"1": "hard link", b"2": "symbolic link", b"3": "character device", b"4": "block device", b"6": "FIFO", b"S": "sparse file"}
_FILES = (b"0", b"\0", b"7")


class _Header(NamedTuple):
    name: str
    kind: bytes
    size: int


class _Blocks:
    """The bytes of an unpacked archive, counted as they are read."""

    def __init__(self, stream: io.RawIOBase, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int) -> bytes:
        """Return that many bytes, fewer only where the archive ends."""
        pieces: list[bytes] = []
        while size > 0 and (piece := self._stream.read(min(size, CHUNK_BYTES))):
            self._budget.spend(len(piece))
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def skip(self, size: int) -> None:
        """Step over that many bytes. Raises DamagedArchiveError where the archive ends before."""
        while size > 0:
            piece = self.read(min(size, CHUNK_BYTES))
            if not piece:
                raise DamagedArchiveError("the archive ends within a member")
            size -= len(piece)


def tar_members(stream: io.RawIOBase, budget: Budget, max_bytes: int, wants: Wants) -> Iterator[Member | Reject]:
    """Yield the wanted files of an unpacked tar stream, and a reject for each member that is none or has no safe name.

    Raises:
        DamagedArchiveError: the archive breaks off or a header is corrupt; BombError: it unpacks to too much.
    """
    blocks = _Blocks(stream, budget)
    names = Names()
    while (header := _next_header(blocks)) is not None:
        padding = -header.size % BLOCK_BYTES
        if header.kind in (b"5", b"D") or (header.kind in _FILES and header.name.endswith("/")):
            blocks.skip(header.size + padding)
            continue
        admitted = names.admit(header.name)
        if isinstance(admitted, Reject) or header.kind not in _FILES:
            kind = _KINDS.get(header.kind, f"type {header.kind!r}")
            yield admitted if isinstance(admitted, Reject) else Reject(admitted[0], "not_a_file", kind)
            blocks.skip(header.size + padding if header.kind not in (b"1", b"2") else 0)
        elif wants(admitted[1]):
            data = blocks.read(min(header.size, max_bytes + 1))
            if len(data) < min(header.size, max_bytes + 1):
                raise DamagedArchiveError(f"the archive ends within {admitted[1]}")
            yield Member(*admitted, data)
            blocks.skip(header.size - len(data) + padding)
        else:
            blocks.skip(header.size + padding)


def _next_header(blocks: _Blocks) -> _Header | None:
    """Return the next member's header with its extended headers applied; None at the archive's end."""
    long_name: str | None = None
    long_size: int | None = None
    for _ in range(MAX_EXTENSIONS):
        block = blocks.read(BLOCK_BYTES)
        if not block.strip(b"\0"):
            if len(block) == BLOCK_BYTES and long_name is None:
                return None
            raise DamagedArchiveError("the archive ends without its end mark")
        header = _parse(block)
        if header.kind not in (b"x", b"g", b"L", b"K"):
            return _Header(long_name or header.name, header.kind, header.size if long_size is None else long_size)
        if header.size > MAX_EXTENSION_BYTES:
            raise DamagedArchiveError(f"an extended header of {header.size} bytes")
        body = blocks.read(header.size)
        blocks.skip(header.size - len(body) + -header.size % BLOCK_BYTES)
        if header.kind == b"L":
            long_name = _text(body)
        elif header.kind == b"x":
            records = _pax(body)
            long_name = records.get("path", long_name)
            if size := records.get("size"):
                long_size = _number(size)
    raise DamagedArchiveError(f"more than {MAX_EXTENSIONS} extended headers before a member")


def _parse(block: bytes) -> _Header:
    if len(block) < BLOCK_BYTES:
        raise DamagedArchiveError("the archive ends within a header")
    unsigned = sum(block) - sum(block[148:156]) + 8 * 32
    if _octal(block[148:156]) not in (unsigned, unsigned - 256 * sum(byte > 127 for byte in block[:148] + block[156:])):
        raise DamagedArchiveError("a header fails its checksum")
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and (prefix := _text(block[345:500])):
        name = f"{prefix}/{name}"
    return _Header(name, block[156:157], _octal(block[124:136]))


def _octal(field: bytes) -> int:
    """Return a number in octal digits, or (GNU) in base 256 behind a high bit."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        value = int(field.strip(b" \0") or b"0", 8)
    except ValueError as error:
        raise DamagedArchiveError(f"a header's number is {field!r}") from error
    if value < 0:
        raise DamagedArchiveError(f"a header's number is {field!r}")
    return value


def _number(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise DamagedArchiveError(f"an extended header's size is {digits[:40]!r}")
    return int(digits)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _pax(body: bytes) -> dict[str, str]:
    """Return the records ``length key=value`` of a pax header."""
    records: dict[str, str] = {}
    place = 0
    while place < len(body) and body[place : place + 1] != b"\0":
        digits = body[place : place + 20].partition(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        key, equals, value = body[place + len(digits) + 1 : place + length - 1].partition(b"=")
        if not equals or place + length > len(body):
            raise DamagedArchiveError("a corrupt extended header")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        place += length
    return records
