"""Numbers of a training as a TensorBoard event file, which TensorBoard reads as it grows.

Written here and by no library: tensorboardX and torch put clock, host and process into a file's name and records, so that no two trainings give the
same bytes, and neither goes on in a file that a killed run left. A file is a list of records: length and payload, each with a masked CRC-32C
(TensorFlow, tensorflow/core/lib/io/record_writer.cc); a payload is an Event message (tensorflow/core/util/event.proto) in protobuf's wire format.
Times are the caller's.
"""

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

EVENTS = "events.out.tfevents.0.modelmill"
"""Name of the file in its folder: TensorBoard knows one by ``tfevents``."""
VERSION = b"brain.Event:2"
_CASTAGNOLI = 0x82F63B78
"""Polynomial of CRC-32C (RFC 3720, section 12.1), bits reversed."""
_MASK = 0xA282EAD8
_WALL_TIME, _STEP, _FILE_VERSION, _SUMMARY = 1, 2, 3, 5  # fields of Event
_VALUE, _TAG, _SIMPLE_VALUE = 1, 1, 2  # of Summary, and of Summary.Value
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types (https://protobuf.dev/programming-guides/encoding)


class Scalars(NamedTuple):
    """What was measured at a step."""

    step: int
    wall_time: float
    """Seconds since 1970; what is the same each time, such as the step itself, gives the same bytes each time."""
    values: Mapping[str, float]
    """By tag, such as ``train/loss``."""


def scalars_of_record(row: Mapping[str, float | None], wall_time: float) -> Scalars:
    """Return what a record of a training (``step`` and what was logged) says, validation apart from training: ``validation/loss``, ``train/loss``."""
    said = {name: value for name, value in row.items() if value is not None and name != "step"}
    tags = {name: f"validation/{rest}" if (rest := name.removeprefix("validation_")) != name else f"train/{name}" for name in said}
    return Scalars(int(row["step"] or 0), wall_time, {tags[name]: value for name, value in said.items()})


class EventFile:
    """An event file that grows. Steps come in order, each once, whatever was there before."""

    def __init__(self, folder: Path, first_step: int) -> None:
        """Open a folder's file to go on from a step, or begin it: what it holds of that step and later ones is taken out, and a torn end with it.

        Raises:
            ValueError: the file is damaged before its end (names the place and the remedy).
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / EVENTS
        self._last_step = first_step - 1
        end = self._end_before(first_step) if self.path.exists() else 0
        if end:
            os.truncate(self.path, end)
        else:
            self.path.write_bytes(record(_message([(_WALL_TIME, 0.0), (_FILE_VERSION, VERSION)])))

    def append(self, rows: Sequence[Scalars]) -> None:
        """Write steps behind those that are there, in one piece. Raises ValueError: a step is not later than the one before it."""
        for row in rows:
            if row.step <= self._last_step:
                raise ValueError(f"{self.path}: step {row.step} stands behind step {self._last_step}; write each step once, in order")
            self._last_step = row.step
        with self.path.open("ab") as stream:
            stream.write(b"".join(record(_event(row)) for row in rows))

    def _end_before(self, step: int) -> int:
        """Return the length of the file up to a step."""
        end = 0
        for found in read_records(self.path):
            if scalars_of(found.payload).step >= step and found.start > 0:
                break
            end = found.end
        return end


class Record(NamedTuple):
    """One record of a file, and where it stands."""

    start: int
    end: int
    payload: bytes


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


def read_scalars(path: Path) -> list[Scalars]:
    """Return what a file tells, in its order. Raises ValueError: see `read_records`."""
    return [scalars_of(found.payload) for found in read_records(path) if found.start > 0]


def _event(row: Scalars) -> bytes:
    values = [(_VALUE, _message([(_TAG, tag.encode()), (_SIMPLE_VALUE, struct.pack("<f", value))])) for tag, value in row.values.items()]
    return _message([(_WALL_TIME, row.wall_time), (_STEP, row.step), (_SUMMARY, _message(values))])


def _message(fields: Sequence[tuple[int, int | float | bytes]]) -> bytes:
    """Return fields in protobuf's wire format: a number as a double or a varint, bytes as they are; a simple value is a float of 4 bytes."""
    parts: list[bytes] = []
    for number, value in fields:
        if isinstance(value, float):
            parts.append(_varint(number << 3 | _FIXED64) + struct.pack("<d", value))
        elif isinstance(value, int):
            parts.append(_varint(number << 3 | _VARINT) + _varint(value))
        elif number == _SIMPLE_VALUE:
            parts.append(_varint(number << 3 | _FIXED32) + value)
        else:
            parts.append(_varint(number << 3 | _BYTES) + _varint(len(value)) + value)
    return b"".join(parts)


def _varint(value: int) -> bytes:
    """Return a number, at least 0, seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def scalars_of(payload: bytes) -> Scalars:
    """Return what the payload of a record tells; a step of 0 and no values where it tells none."""
    fields = dict(_fields(payload))
    values: dict[str, float] = {}
    for number, value in _fields(fields.get(_SUMMARY, b"")):
        if number == _VALUE:
            found = dict(_fields(value))
            values[found[_TAG].decode()] = struct.unpack("<f", found[_SIMPLE_VALUE])[0]
    return Scalars(int.from_bytes(fields.get(_STEP, b""), "little"), struct.unpack("<d", fields[_WALL_TIME])[0], values)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields of a message by number; a varint as little-endian bytes."""
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _read_varint(message, place)
            yield key >> 3, value.to_bytes(8, "little")
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if size is None:
            size, place = _read_varint(message, place)
        yield key >> 3, message[place : place + size]
        place += size


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
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
