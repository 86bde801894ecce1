"""Rows of a training in one file beside its states, which grows: a state names how much of it is its own, and holds no row itself.

States that held all rows would write as many again at every one of them. Rows wait in memory until a state is kept, since those behind the newest
state are of steps that are taken again. A mark is the length and checksum of the file as a state was kept; going back to it cuts off what is behind.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]
"""What JSON holds; floats come back as the bits that they were, those that are not finite too."""
CHECKSUM_BYTES = 32


class Mark(NamedTuple):
    """A beginning of a journal."""

    num_bytes: int
    checksum: str
    """BLAKE2b of these bytes (RFC 7693), in hexadecimal."""


class Journal:
    """Rows in order. Nothing that is on the disk is written again."""

    def __init__(self, path: Path) -> None:
        """Begin with no rows; what the file holds stays until the first mark, so that a state may still be gone on from."""
        self.path = path
        self._rows: list[Row] = []
        self._num_written = 0
        self._num_bytes = 0
        self._digest = hashlib.blake2b(digest_size=CHECKSUM_BYTES)

    @property
    def rows(self) -> Sequence[Row]:
        """All rows."""
        return self._rows

    def append(self, *rows: Row) -> None:
        """Take rows behind those that are there."""
        self._rows += rows

    def mark(self) -> Mark:
        """Have all rows reach the disk, and return how much of the file they are."""
        lines = b"".join(json.dumps(row).encode() + b"\n" for row in self._rows[self._num_written :])
        if lines or self.path.exists():
            with self.path.open("r+b" if self.path.exists() else "wb") as stream:
                stream.seek(self._num_bytes)
                stream.write(lines)
                stream.truncate()
                stream.flush()
                os.fsync(stream.fileno())
        self._digest.update(lines)
        self._num_written, self._num_bytes = len(self._rows), self._num_bytes + len(lines)
        return Mark(self._num_bytes, self._digest.hexdigest())

    def go_back(self, mark: Mark) -> None:
        """Hold the rows that a mark is of, and no others. Raises ValueError: the file does not begin with them (names it)."""
        data = _beginning(self.path, mark.num_bytes)
        if fault := _fault(self.path, data, mark):
            raise ValueError(f"{self.path}: {fault}; train anew")
        self._rows = [json.loads(line) for line in data.splitlines()]
        self._num_written, self._num_bytes = len(self._rows), mark.num_bytes
        self._digest = hashlib.blake2b(data, digest_size=CHECKSUM_BYTES)


def fault_of_mark(path: Path, mark: Mark) -> str | None:
    """Return what is wrong with a file that should begin with what a mark is of, None where it does."""
    return _fault(path, _beginning(path, mark.num_bytes), mark)


def _fault(path: Path, data: bytes, mark: Mark) -> str | None:
    if len(data) < mark.num_bytes:
        return f"{path.name} has {len(data)} bytes where the state has {mark.num_bytes}"
    return None if hashlib.blake2b(data, digest_size=CHECKSUM_BYTES).hexdigest() == mark.checksum else f"{path.name} is not what the state knew"


def _beginning(path: Path, num_bytes: int) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as stream:
        return stream.read(num_bytes)
