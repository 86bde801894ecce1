"""Records of event files: length and payload, each with a masked CRC-32C (TensorFlow, tensorflow/core/lib/io/record_writer.cc).

A payload is a message in protobuf's wire format (https://protobuf.dev/programming-guides/encoding), as far as events of numbers use it.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_CASTAGNOLI = 0x82F63B78
"""Polynomial of CRC-32C (RFC 3720, section 12.1), bits reversed."""
_MASK = 0xA282EAD8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types."""


class Record(NamedTuple):
    """One record of a file, and where it stands."""

    start: int
    end: int
    payload: bytes


class Float32(NamedTuple):
    """A number that is written in 4 bytes."""

    value: float


def record(payload: bytes) -> bytes:
    """Return a payload with its length and checksums."""
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", masked_crc(length)) + payload + struct.pack("<I", masked_crc(payload))


def read_records(path: Path) -> Iterator[Record]:
    """Yield the whole records of a file; one that is torn off at its end is none.

    Raises:
        ValueError: a record does not agree with its checksum (names the place and the remedy).
    """
    data = path.read_bytes()
    start = 0
    while start + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        end = start + 12 + length + 4
        is_length = struct.unpack_from("<I", data, start + 8)[0] == masked_crc(data[start : start + 8])
        if is_length and end > len(data):
            return
        payload = data[start + 12 : end - 4]
        if not is_length or struct.unpack_from("<I", data, end - 4)[0] != masked_crc(payload):
            raise ValueError(f"{path}: the record at byte {start} does not agree with its checksum; remove the file and train again")
        yield Record(start, end, payload)
        start = end


def message(parts: Sequence[tuple[int, int | float | bytes | Float32]]) -> bytes:
    """Return fields by number in the wire format: an int (at least 0) as a varint, a float in 8 bytes, bytes behind their length."""
    out: list[bytes] = []
    for number, value in parts:
        if isinstance(value, Float32):
            out.append(_varint(number << 3 | _FIXED32) + struct.pack("<f", value.value))
        elif isinstance(value, float):
            out.append(_varint(number << 3 | _FIXED64) + struct.pack("<d", value))
        elif isinstance(value, int):
            out.append(_varint(number << 3 | _VARINT) + _varint(value))
        else:
            out.append(_varint(number << 3 | _BYTES) + _varint(len(value)) + value)
    return b"".join(out)


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields of a message by number; a varint as 8 bytes, the lowest first."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _read_varint(data, place)
            yield key >> 3, value.to_bytes(8, "little")
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if size is None:
            size, place = _read_varint(data, place)
        yield key >> 3, data[place : place + size]
        place += size


def _varint(value: int) -> bytes:
    """Return a number, at least 0, seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _crc_table() -> list[int]:
    table: list[int] = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def masked_crc(data: bytes) -> int:
    """Return the CRC-32C of some bytes, turned and shifted so that a checksum of checksums says something."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF
