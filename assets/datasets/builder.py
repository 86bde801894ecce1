"""What the data sets beside this file share: what each declares, where it reads and writes, and the mark of a finished one."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernels.synthesis.labels import LABELS_FILE, Label
from resources.storage.packages import fetch, read_member, read_members

VERSION = "3"
COMPLETE = ".complete"
SMOKE_TOPICS: dict[str, tuple[int, int | None]] = {"wikipedia": (0, 24), "books": (24, 34), "web": (34, None)}
"""Which of Python's help topics each smoke set takes: none is in two sets, so that only planted duplicates are found."""


@dataclass(frozen=True)
class Builder:
    """Where a set is written, and where packages are cached."""

    out: Path
    cache: Path

    def write(self, name: str, content: bytes) -> None:
        """Write one file of the set."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def write_labels(self, labels: list[Label]) -> None:
        """Write the labels of the set's records, hidden from readers."""
        self.write(LABELS_FILE, "".join(json.dumps(label._asdict(), ensure_ascii=False) + "\n" for label in labels).encode())

    def read(self, package: str, member: str) -> bytes:
        """Return one file of a package. Raises PackageUnavailable where the package cannot be had."""
        return read_member(fetch(package, self.cache), member)

    def read_all(self, package: str, pattern: str) -> Iterator[tuple[str, bytes]]:
        """Yield the names and contents of a package's files that match a pattern. Raises as `read` does."""
        return read_members(fetch(package, self.cache), pattern)

    def read_rows(self, package: str, member: str) -> list[dict[str, Any]]:
        """Return the records of a JSON Lines file of a package. Raises as `read` does."""
        return [json.loads(line) for line in self.read(package, member).splitlines() if line.strip()]


@dataclass(frozen=True, kw_only=True)
class EmbeddedDataset:
    """A data set: how it is built from packages and, as ``smoke-`` and its name, how a small stand-in is built from Python alone."""

    name: str
    build: Callable[[Builder], None]
    build_smoke: Callable[[Builder], None] | None = None


def is_ours(folder: Path) -> bool:
    """Return whether a set was made here, in whatever version."""
    return (folder / COMPLETE).is_file()


def is_current(folder: Path) -> bool:
    """Return whether a set was made here in the version of today."""
    return is_ours(folder) and _mark(folder)[0] == VERSION


def finish(new: Path, old: Path) -> None:
    """Mark a set that is built with its version and its files, and copy to it what a user added to the one before it."""
    made = _files(new)
    if is_ours(old):
        _carry_over(old, new)
    (new / COMPLETE).write_text("\n".join([VERSION, *made]))


def _mark(folder: Path) -> list[str]:
    """Return the lines of a set's mark: its version, then the files that were made."""
    return (folder / COMPLETE).read_text().split("\n")


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _carry_over(old: Path, new: Path) -> None:
    """Copy the files that a user added to a set; its mark tells those that were made."""
    made = {*_mark(old), COMPLETE}
    for name in _files(old):
        if name not in made and not (new / name).exists():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(old / name, new / name)
