"""What a training tells while it runs: an event file that TensorBoard reads as it grows, and the numbers that go to whoever watches.

The file stands in the scratch folder. It holds what clocks tell (speed, memory) beside the records, and a training that goes on from a state goes on
in it: what it holds of steps up to the state stays.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kernels.training.logs.event_files import EVENTS, FOLDER, EventFile, Scalars, read_scalars, scalars_of_record
from kernels.training.logs.speed import Speed, memory
from kernels.training.logs.tensors import tags_of

SPEEDS = ("tokens_per_second", "mfu", "memory_mb")
"""What is told of the steps of a training by clocks, and drawn against them."""


class Telling:
    """Tells of steps as they come."""

    def __init__(
        self, scratch: Path, speed: Speed, device: str, report: Callable[[dict[str, float]], None], say: Callable[[str], None], num_steps: int
    ) -> None:
        """Tell of a training of so many steps that keeps what must outlive a kill in ``scratch``; `go_on` says from which step."""
        self._folder = scratch / FOLDER
        self._speed, self._device, self._report, self._say, self._num_steps = speed, device, report, say, num_steps
        self._events: EventFile

    def go_on(self, step: int) -> None:
        """Tell of the steps behind one; what was told of them before is taken back. A file that is damaged is begun anew, with a word."""
        try:
            self._events = EventFile(self._folder, step + 1)
        except ValueError as error:
            self._say(f"{error} if its curves are missed; it is begun anew behind step {step}")
            (self._folder / EVENTS).unlink()
            self._events = EventFile(self._folder, step + 1)

    def step(self, record: Mapping[str, float | None], statistics: Sequence[Mapping[str, Any]]) -> None:
        """Tell of a step: its record, how fast the last ones were, and what each tensor did where that was looked at."""
        measured = {**self._speed.recent(), **memory(self._device)}
        told = scalars_of_record({**record, **measured}, time.time())
        tensors = {tag: value for row in statistics for tag, value in tags_of(row).items()}
        self._events.append([told._replace(values={**told.values, **tensors})])
        numbers = {name: value for name, value in record.items() if value is not None}
        mean = {f"mean_{name}": value for name, value in self._speed.mean().items()}
        self._report({**numbers, "num_steps": float(self._num_steps), **measured, **mean})


def read_told(scratch: Path) -> list[Scalars]:
    """Return what the training of a scratch folder told of its steps, by clocks too; nothing where it told nothing.

    Raises:
        ValueError: the file is damaged (names the place).
    """
    path = scratch / FOLDER / EVENTS
    return read_scalars(path) if path.exists() else []


def speeds_of(told: Sequence[Scalars]) -> list[dict[str, float]]:
    """Return a row a step (``step`` and those of `SPEEDS` that were told)."""
    tags = {f"train/{name}": name for name in SPEEDS}
    return [{"step": float(found.step), **{tags[tag]: value for tag, value in found.values.items() if tag in tags}} for found in told]
