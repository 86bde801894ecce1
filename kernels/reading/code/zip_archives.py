"""Members of a zip archive in bounded memory, by its central directory read entry by entry (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5).

Read by hand, not by `zipfile`, which takes the whole directory into memory. Sizes that an entry claims are never trusted: no more is
unpacked than was asked for. An archive without a directory (a cut file) is walked by its local headers as far as they tell their sizes.
"""

import bz2
import lzma
import stat
import zlib
from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO, NamedTuple, Protocol

from kernels.reading.code.members import CHUNK_BYTES, Budget, DamagedArchiveError, Member, Names, Wants
from kernels.specs.sources import Reject

_END = Struct("<4s4H2LH")
_END64 = Struct("<4sQ2H2L4Q")
_LOCATOR64 = Struct("<4sLQL")
_ENTRY = Struct("<4s6H3L5H2L")
_LOCAL = Struct("<4s5H3L2H")
_TAIL_BYTES = (1 << 16) + _END.size
_UNKNOWN = 0xFFFFFFFF
_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 0x1, 0x8, 0x800
_UNIX_SYSTEMS = (3, 19)
MAX_DICTIONARY_BYTES = 1 << 28
"""Memory that a member packed by LZMA may ask for."""


class _Entry(NamedTuple):
    name: str
    flags: int
    method: int
    crc: int
    num_packed: int
    num_bytes: int
    offset: int
    mode: int


class _Unpacker(Protocol):
    def __call__(self, data: bytes, max_length: int, /) -> bytes: ...


def zip_members(stream: BinaryIO, budget: Budget, max_bytes: int, wants: Wants) -> Iterator[Member | Reject]:
    """Yield the wanted files of a zip file, and a reject for each member that is none, is locked, is damaged, or has no safe name.

    Raises:
        DamagedArchiveError: the archive breaks off or its directory is corrupt; BombError: it unpacks to too much.
    """
    size = stream.seek(0, 2)
    budget.num_packed = size
    directory = _find_directory(stream, size)
    names = Names()
    if directory is None:
        for entry in _walk(stream, size):
            yield from _read_member(stream, entry, names, budget, max_bytes, wants)
        raise DamagedArchiveError("no directory at its end")
    for entry in _entries(stream, *directory):
        yield from _read_member(stream, entry, names, budget, max_bytes, wants)


def _read_member(stream: BinaryIO, entry: _Entry, names: Names, budget: Budget, max_bytes: int, wants: Wants) -> Iterator[Member | Reject]:
    budget.spend(_LOCAL.size)
    if entry.name.endswith(("/", "\\")):
        return
    admitted = names.admit(entry.name)
    if isinstance(admitted, Reject):
        yield admitted
    elif entry.mode and not stat.S_ISREG(entry.mode):
        yield Reject(admitted[0], "not_a_file", stat.filemode(entry.mode))
    elif entry.flags & _ENCRYPTED:
        yield Reject(admitted[0], "encrypted", "needs a password")
    elif wants(admitted[1]):
        try:
            yield Member(*admitted, _unpack(stream, entry, budget, max_bytes + 1))
        except DamagedArchiveError as error:
            yield Reject(admitted[0], "damaged", str(error))


def _read(stream: BinaryIO, layout: Struct, signature: bytes) -> tuple[int, ...]:
    data = stream.read(layout.size)
    if len(data) < layout.size or not data.startswith(signature):
        raise DamagedArchiveError(f"no record {signature!r} where one must be")
    return layout.unpack(data)[1:]


def _find_directory(stream: BinaryIO, size: int) -> tuple[int, int, int] | None:
    """Return where the central directory begins and ends, and by how much offsets are moved by what stands before the archive."""
    start = max(0, size - _TAIL_BYTES)
    stream.seek(start)
    tail = stream.read(_TAIL_BYTES)
    place = tail.rfind(b"PK\5\6")
    if place < 0 or place + _END.size > len(tail):
        return None
    _, _, _, _, _, length, offset, _ = _END.unpack_from(tail, place)
    end = start + place
    if _UNKNOWN in (length, offset) and end >= _LOCATOR64.size:
        stream.seek(end - _LOCATOR64.size)
        end = _read(stream, _LOCATOR64, b"PK\6\7")[1]
        stream.seek(min(end, size))
        *_, length, offset = _read(stream, _END64, b"PK\6\6")
    moved = end - length - offset
    if moved < 0:
        raise DamagedArchiveError("the directory lies outside of the archive")
    return end - length, end, moved


def _entries(stream: BinaryIO, start: int, end: int, moved: int) -> Iterator[_Entry]:
    while start < end:
        stream.seek(start)
        fields = _read(stream, _ENTRY, b"PK\1\2")
        made_by, _, flags, method, _, _, crc, num_packed, num_bytes, name_size, extra_size, comment_size, _, _, attributes, offset = fields
        name = stream.read(name_size)
        extra = stream.read(extra_size)
        start += _ENTRY.size + name_size + extra_size + comment_size
        num_bytes, num_packed, offset = _wide(extra, num_bytes, num_packed, offset)
        mode = attributes >> 16 if made_by >> 8 in _UNIX_SYSTEMS else 0
        mode = mode if stat.S_IFMT(mode) else 0
        yield _Entry(_decode(name, flags), flags, method, crc, num_packed, num_bytes, offset + moved, mode)


def _walk(stream: BinaryIO, size: int) -> Iterator[_Entry]:
    """Yield the entries of an archive without a directory, up to the first that does not tell its size."""
    offset = 0
    while offset < size:
        stream.seek(offset)
        _, flags, method, _, _, crc, num_packed, num_bytes, name_size, extra_size = _read(stream, _LOCAL, b"PK\3\4")
        name = stream.read(name_size)
        num_bytes, num_packed, _ = _wide(stream.read(extra_size), num_bytes, num_packed, 0)
        if flags & _SIZES_FOLLOW:
            raise DamagedArchiveError("no directory at its end, and a member that does not tell its size")
        yield _Entry(_decode(name, flags), flags, method, crc, num_packed, num_bytes, offset, 0)
        offset += _LOCAL.size + name_size + extra_size + num_packed


def _decode(name: bytes, flags: int) -> str:
    return name.decode("utf-8", "replace") if flags & _UTF8 else name.decode("cp437")


def _wide(extra: bytes, *fields: int) -> list[int]:
    """Return sizes and offset with those that did not fit taken from the zip64 field."""
    wide: list[int] = []
    while len(extra) >= 4:
        kind, length = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        if kind == 1:
            body = extra[4 : 4 + length]
            wide = [int.from_bytes(body[place : place + 8], "little") for place in range(0, len(body) - 7, 8)]
        extra = extra[4 + length :]
    values = iter(wide)
    return [next(values, field) if field == _UNKNOWN else field for field in fields]


def _unpack(stream: BinaryIO, entry: _Entry, budget: Budget, limit: int) -> bytes:
    """Return at most ``limit`` bytes of a member; all of it is checked against its checksum."""
    try:
        stream.seek(entry.offset)
    except (OverflowError, ValueError, OSError) as error:
        raise DamagedArchiveError("lies outside of the archive") from error
    *_, name_size, extra_size = _read(stream, _LOCAL, b"PK\3\4")
    stream.seek(name_size + extra_size, 1)
    unpack = _unpacker(entry.method)
    pieces: list[bytes] = []
    num_left, num_bytes = entry.num_packed, 0
    while num_bytes < limit and num_left:
        packed = stream.read(min(num_left, CHUNK_BYTES))
        if not packed:
            raise DamagedArchiveError("the archive ends within it")
        num_left -= len(packed)
        try:
            piece = unpack(packed, limit - num_bytes)
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise DamagedArchiveError(str(error)) from error
        budget.spend(len(piece))
        pieces.append(piece)
        num_bytes += len(piece)
    data = b"".join(pieces)
    if num_bytes < limit and (num_bytes != entry.num_bytes or zlib.crc32(data) != entry.crc):
        raise DamagedArchiveError("fails its checksum")
    return data


def _unpacker(method: int) -> _Unpacker:
    """Return what unpacks a member piece by piece, by the number of its method (APPNOTE, section 4.4.5)."""
    match method:
        case 0:
            return lambda data, max_length, /: data[:max_length]
        case 8:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress
        case 12:
            return bz2.BZ2Decompressor().decompress
        case 14:
            return _Lzma()
        case _:
            raise DamagedArchiveError(f"packed by method {method}, which is not read")


class _Lzma:
    """Unpacks LZMA as zip files have it: two bytes of version, two of the length of what follows, and five of properties before the data."""

    def __init__(self) -> None:
        self._decompressor: lzma.LZMADecompressor | None = None

    def __call__(self, data: bytes, max_length: int, /) -> bytes:
        if self._decompressor is None:
            if len(data) < 9 or data[2:4] != b"\5\0" or data[4] >= 225:
                raise DamagedArchiveError("corrupt properties of LZMA")
            dictionary_bytes = int.from_bytes(data[5:9], "little")
            if dictionary_bytes > MAX_DICTIONARY_BYTES:
                raise DamagedArchiveError(f"asks for a dictionary of {dictionary_bytes} bytes")
            rest, lc = divmod(data[4], 9)
            pb, lp = divmod(rest, 5)
            layout = {"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": max(dictionary_bytes, 4096)}
            self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[layout])
            data = data[9:]
        return b"" if self._decompressor.eof else self._decompressor.decompress(data, max_length)
