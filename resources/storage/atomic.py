"""Text files replaced whole, and lock files that tell whether their holder lives."""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOCK = ".lock"
UNLOCKED = ".unlocked"
"""The ending of a lock file that is not locked yet; before it stands the number of the process that is about to."""


def write_atomically(path: Path, text: str) -> None:
    """Replace a text file whole: readers see the old one or the new one, also after a crash."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with aside.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's lock, waiting for whoever has it; the system frees it when this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def sign_of_life(folder: Path, name: str, words: dict[str, Any]) -> Iterator[Path]:
    """Keep a locked file ``name.lock`` in a folder while the block runs; who finds it unlocked knows that its holder is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    aside, path = folder / f"{name}.{os.getpid()}{UNLOCKED}", folder / f"{name}{LOCK}"
    with aside.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write(json.dumps(words))
        stream.flush()
        aside.rename(path)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def signs_of_life(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield each lock file of a folder and whether its holder lives. Files of processes that ended before they could lock them go away."""
    for path in sorted(folder.glob(f"*{UNLOCKED}")):
        if not Path(f"/proc/{path.name.split('.')[1]}").exists():
            path.unlink(missing_ok=True)
    for path in sorted(folder.glob(f"*{LOCK}")):
        yield path, is_locked(path)


def is_locked(path: Path) -> bool:
    """Return whether a living process holds a file's lock."""
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def read_words(path: Path) -> dict[str, Any]:
    """Return what a lock file says; nothing where it is gone or was cut off."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
