"""Seals: what makes a folder count as whole.

A seal lists every file with its size and BLAKE2b checksum (RFC 7693), and is written last, in one move.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from kernels.specs.config import Config

CHECKSUM_BYTES = 32


class SealedFile(Config):
    """One file as it was when its folder was sealed."""

    size_bytes: int
    checksum: str
    """BLAKE2b, in hexadecimal."""


class Seal(Config):
    """Every file of a folder but the seal itself, by its path within the folder, and what is to be known of them."""

    files: dict[str, SealedFile]
    words: dict[str, Any] = Field(default={})


def seal_folder(folder: Path, seal: Path, words: Mapping[str, Any] | None = None) -> None:
    """Declare a folder whole once its files have reached the disk. ``seal``: the seal's own file, in the folder or beside it."""
    seal.unlink(missing_ok=True)
    files = _files(folder, seal)
    for path in (*files.values(), *(path for path in folder.rglob("*") if path.is_dir()), folder):
        _sync(path)
    found = {name: SealedFile(size_bytes=path.stat().st_size, checksum=_checksum(path)) for name, path in files.items()}
    aside = folder.with_name(f".{folder.name}.{seal.name}")
    aside.write_text(Seal(files=found, words=dict(words or {})).model_dump_json(indent=1))
    _sync(aside)
    aside.replace(seal)
    for path in {seal.parent, folder.parent}:
        _sync(path)


def fault_of(folder: Path, seal: Path) -> str | None:
    """Return what is wrong with a folder, None where it agrees with its seal."""
    if not seal.is_file():
        return f"{seal.name} is missing, it was not written to its end"
    try:
        return _difference(Seal.model_validate_json(seal.read_bytes()), _files(folder, seal))
    except ValidationError:
        return f"{seal.name} is damaged"
    except OSError as error:
        return f"{Path(error.filename or folder).name} cannot be read ({error.strerror})"


def words_of(seal: Path) -> dict[str, Any]:
    """Return what a seal tells beside its files."""
    return Seal.model_validate_json(seal.read_bytes()).words


def files_of(seal: Path) -> list[str]:
    """Return the files that a seal lists, by their paths within its folder."""
    return sorted(Seal.model_validate_json(seal.read_bytes()).files)


def _difference(sealed: Seal, files: dict[str, Path]) -> str | None:
    """Return the first difference between a seal and what is there."""
    for name, path in files.items():
        if name not in sealed.files:
            return f"{name} is not in its seal"
        if path.stat().st_size != sealed.files[name].size_bytes:
            return f"{name} has {path.stat().st_size} bytes where its seal has {sealed.files[name].size_bytes}"
        if _checksum(path) != sealed.files[name].checksum:
            return f"{name} differs from its checksum"
    missing = sorted(set(sealed.files) - set(files))
    return f"{missing[0]} is missing" if missing else None


def _files(folder: Path, seal: Path) -> dict[str, Path]:
    """Return the files of a folder but its seal, by their path within it, sorted."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file() and path != seal}
    return dict(sorted(found.items()))


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=CHECKSUM_BYTES)).hexdigest()


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
