"""What archives of any format share: members, how their names become safe keys, and the bounds that a bomb breaks.

Nothing is ever written to disk; a name is only ever a key. All state is bounded whatever an archive holds.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import NamedTuple

from kernels.specs.sources import Reject

MAX_RATIO = 200
"""Unpacked bytes for each packed one, at which an archive is a bomb; source code packs to a fifth, many copies of it to a fiftieth."""
SLACK_BYTES = 1 << 26
"""Unpacked bytes that any archive may have, however small it is."""
MAX_NAME_CHARS = 1024
MAX_NAMES = 1 << 18
"""Names that are remembered to tell repeated ones. Members after that many carry their number in their keys instead."""
CHUNK_BYTES = 1 << 16

ARCHIVE_SUFFIXES = frozenset(
    {
        ".tar",
        ".tgz",
        ".tbz2",
        ".txz",
        ".gz",
        ".bz2",
        ".xz",
        ".zst",
        ".zip",
        ".whl",
        ".jar",
        ".war",
        ".apk",
        ".egg",
        ".nupkg",
        ".7z",
        ".rar",
        ".cab",
        ".iso",
    }
)
_MAGIC = (b"PK\3\4", b"PK\5\6", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f\u2028\u2029]")


class Member(NamedTuple):
    """One file of an archive: its key (path, or path and number), its path, and at most one byte more of it than was asked for."""

    key: str
    path: str
    data: bytes


Wants = Callable[[str], bool]
"""Whether the member of a path is to be read; others are stepped over."""


class BombError(Exception):
    """The archive unpacks to more than its size permits."""


class DamagedArchiveError(Exception):
    """The archive is not as its format says, from here on."""


class Budget:
    """How much an archive may unpack to, by how much of it has been read."""

    def __init__(self) -> None:
        self.num_packed = 0
        self._num_unpacked = 0

    def spend(self, num_bytes: int) -> None:
        """Count unpacked bytes. Raises BombError past `MAX_RATIO` and `SLACK_BYTES`."""
        self._num_unpacked += num_bytes
        if self._num_unpacked > SLACK_BYTES + MAX_RATIO * self.num_packed:
            raise BombError(f"{self._num_unpacked} bytes from {self.num_packed}")


class Names:
    """The names of an archive's members so far."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._number = 0

    def admit(self, raw: str) -> tuple[str, str] | Reject:
        """Return a member's key and path by its name as it stands in the archive, or the reason why there is none."""
        self._number += 1
        shown = _CONTROL.sub("\ufffd", raw[:MAX_NAME_CHARS])
        if fault := _unsafe(raw):
            return Reject(shown, "unsafe_path", fault)
        path = str(PurePosixPath(raw.replace("\\", "/")))
        numbered = f"{path}@{self._number}"
        if path in self._seen:
            return Reject(numbered, "duplicate_name", path)
        if len(self._seen) >= MAX_NAMES:
            return numbered, path
        self._seen.add(path)
        return path, path


def _unsafe(raw: str) -> str | None:
    name = raw.replace("\\", "/")
    if len(name) > MAX_NAME_CHARS:
        return f"{len(name)} characters"
    if not name.strip("./ "):
        return "no name"
    if _CONTROL.search(name):
        return "a control character"
    if name.startswith("/") or _DRIVE.match(name):
        return "absolute"
    return "leaves the archive" if ".." in name.split("/") else None


def nested(path: str, data: bytes) -> str | None:
    """Return what shows that a member is an archive itself, its name's ending or its first bytes."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in ARCHIVE_SUFFIXES:
        return suffix
    return next((f"begins with {magic!r}" for magic in _MAGIC if data.startswith(magic)), None)
