"""Numbers of a training as a TensorBoard event file, which TensorBoard reads as it grows.

Written here and by no library: tensorboardX and torch put clock, host and process into a file's name and records, so that no two trainings give the
same bytes, and neither goes on in a file that a killed run left. A file is a list of records (event_records.py) whose payloads are Event messages
(TensorFlow, tensorflow/core/util/event.proto). Times are the caller's.
"""

import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kernels.training.logs.event_records import Float32, fields, message, read_records, record
from kernels.training.logs.tensors import tags_of

EVENTS = "events.out.tfevents.0.modelmill"
"""Name of the file in its folder: TensorBoard knows one by ``tfevents``."""
FOLDER = "tensorboard"
"""Of a checkpoint, with the events of its training."""
VERSION = b"brain.Event:2"
_WALL_TIME, _STEP, _FILE_VERSION, _SUMMARY = 1, 2, 3, 5  # fields of Event
_VALUE, _TAG, _SIMPLE_VALUE = 1, 1, 2  # of Summary, and of Summary.Value


class Scalars(NamedTuple):
    """What was measured at a step."""

    step: int
    wall_time: float
    """Seconds since 1970; what is the same each time, such as the step itself, gives the same bytes each time."""
    values: Mapping[str, float]
    """By tag, such as ``train/loss``."""


def write_events(records: Sequence[Mapping[str, float | None]], folder: Path, statistics: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write the records of a whole training into a checkpoint's folder, and what tensors did (tensors.py).

    Each at its step for a time: the same training gives the same bytes.
    """
    tensors: dict[int, dict[str, float]] = {}
    for row in statistics:
        tensors.setdefault(row["step"], {}).update(tags_of(row))
    found = [scalars_of_record(row, float(row["step"] or 0)) for row in records]
    EventFile(folder / FOLDER, 0).append([each._replace(values={**each.values, **tensors.get(each.step, {})}) for each in found])


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
            self.path.write_bytes(record(message([(_WALL_TIME, 0.0), (_FILE_VERSION, VERSION)])))

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


def read_scalars(path: Path) -> list[Scalars]:
    """Return what a file tells, in its order. Raises ValueError: see `read_records`."""
    return [scalars_of(found.payload) for found in read_records(path) if found.start > 0]


def _event(row: Scalars) -> bytes:
    values = [(_VALUE, message([(_TAG, tag.encode()), (_SIMPLE_VALUE, Float32(value))])) for tag, value in row.values.items()]
    return message([(_WALL_TIME, row.wall_time), (_STEP, row.step), (_SUMMARY, message(values))])


def scalars_of(payload: bytes) -> Scalars:
    """Return what the payload of a record tells; a step of 0 and no values where it tells none."""
    said = dict(fields(payload))
    values: dict[str, float] = {}
    for number, value in fields(said.get(_SUMMARY, b"")):
        if number == _VALUE:
            found = dict(fields(value))
            values[found[_TAG].decode()] = struct.unpack("<f", found[_SIMPLE_VALUE])[0]
    return Scalars(int.from_bytes(said.get(_STEP, b""), "little"), struct.unpack("<d", said[_WALL_TIME])[0], values)
