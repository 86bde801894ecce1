"""Event files: read by protobuf's own library, gone on with where a killed training left off, the same bytes each time."""

import struct
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from kernels.training.logs.event_files import (
    EVENTS,
    FOLDER,
    EventFile,
    Scalars,
    read_scalars,
    scalars_of_record,
    write_events,
)
from kernels.training.logs.event_records import masked_crc, read_records

ROWS = [Scalars(step, float(step), {"train/loss": 5.0 - step / 8, "train/learning_rate": 0.5}) for step in range(1, 9)]
DOUBLE, FLOAT, INT64, STRING, MESSAGE = 1, 2, 3, 9, 11  # of FieldDescriptorProto


def event_type() -> Any:
    """Return TensorFlow's Event message as far as files of scalars use it."""
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="t", syntax="proto3")
    shapes: dict[str, list[tuple[str, int, int, str]]] = {
        "Value": [("tag", 1, STRING, ""), ("simple_value", 2, FLOAT, "")],
        "Summary": [("value", 1, MESSAGE, ".t.Value")],
        "Event": [("wall_time", 1, DOUBLE, ""), ("step", 2, INT64, ""), ("file_version", 3, STRING, ""), ("summary", 5, MESSAGE, ".t.Summary")],
    }
    for name, fields in shapes.items():
        message = file.message_type.add(name=name)
        for field, number, kind, of in fields:
            message.field.add(name=field, number=number, type=kind, type_name=of or None, label=3 if field == "value" else 1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Event"))


def read_by_protobuf(path: Path) -> list[Any]:
    data, found, start, kind = path.read_bytes(), [], 0, event_type()
    while start < len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        found.append(kind.FromString(data[start + 12 : start + 12 + length]))
        start += 16 + length
    return found


def written(folder: Path, rows: list[Scalars] = ROWS) -> Path:
    file = EventFile(folder, 1)
    file.append(rows)
    return file.path


def test_a_file_says_its_version_and_each_step_with_its_numbers(tmp_path: Path) -> None:
    version, *events = read_by_protobuf(written(tmp_path))
    assert version.file_version == "brain.Event:2"
    assert [(event.step, event.wall_time) for event in events] == [(step, float(step)) for step in range(1, 9)]
    assert {value.tag: value.simple_value for value in events[7].summary.value} == {"train/loss": 4.0, "train/learning_rate": 0.5}


def test_steps_beyond_a_byte_and_the_files_own_reader_agree(tmp_path: Path) -> None:
    rows = [Scalars(step, 1.7e9 + step, {"a": -0.25}) for step in (127, 128, 300, 2**40)]
    path = written(tmp_path, rows)
    assert [event.step for event in read_by_protobuf(path)[1:]] == [127, 128, 300, 2**40]
    assert read_scalars(path) == rows


def test_checksums_are_those_of_the_standard() -> None:
    crc = 0xE3069283  # of these digits, as catalogues of checksums give it
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def test_a_resumed_training_leaves_the_file_that_an_unbroken_one_leaves(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole").read_bytes()
    written(tmp_path / "broken", ROWS[:6])
    EventFile(tmp_path / "broken", 4).append(ROWS[3:])
    assert (tmp_path / "broken" / EVENTS).read_bytes() == whole


def test_what_a_kill_tore_off_is_taken_out_at_every_byte(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole").read_bytes()
    ends = [record.end for record in read_records(tmp_path / "whole" / EVENTS)]
    for length in range(len(whole)):
        torn = tmp_path / "torn"
        torn.mkdir(exist_ok=True)
        (torn / EVENTS).write_bytes(whole[:length])
        num_whole = max(0, sum(end <= length for end in ends) - 1)
        EventFile(torn, num_whole + 1).append(ROWS[num_whole:])
        assert (torn / EVENTS).read_bytes() == whole


def test_a_damaged_file_is_an_error_that_says_where(tmp_path: Path) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    start = list(read_records(path))[3].start
    data[start + 14] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"the record at byte {start} does not agree with its checksum"):
        EventFile(tmp_path, 9)


def test_a_step_is_written_once_and_in_order(tmp_path: Path) -> None:
    file = EventFile(tmp_path, 4)
    for steps in ([3], [4, 4], [5, 4]):
        with pytest.raises(ValueError, match="write each step once, in order"):
            EventFile(tmp_path, 4).append([Scalars(step, 0.0, {}) for step in steps])
    assert read_scalars(file.path) == []


def test_a_record_of_a_training_parts_validation_and_leaves_out_what_was_not_measured() -> None:
    row = {"step": 3.0, "loss": 2.0, "validation_loss": 2.5, "mfu": None}
    assert scalars_of_record(row, 9.0) == Scalars(3, 9.0, {"train/loss": 2.0, "validation/loss": 2.5})


def test_the_records_of_a_training_give_the_same_bytes_and_each_step_once_however_often_they_are_written(tmp_path: Path) -> None:
    records = [{"step": float(step), "loss": 5.0 - step} for step in (1, 2, 3)]
    write_events(records, tmp_path / "once")
    for _ in range(2):
        write_events(records, tmp_path / "twice")
    assert [found.step for found in read_scalars(tmp_path / "once" / FOLDER / EVENTS)] == [1, 2, 3]
    assert (tmp_path / "once" / FOLDER / EVENTS).read_bytes() == (tmp_path / "twice" / FOLDER / EVENTS).read_bytes()
