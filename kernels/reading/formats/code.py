"""Source files of programs, one document a file: in folders, and in tar, zip and wheel archives, which are read without unpacking to disk.

Files that teach a model nothing are rejects with a reason (`kernels.reading.code.judgement`). In an archive the nearest licence file above a file
tells its licence; it is looked for in a pass of its own, so that memory stays bounded. What is unsafe in an archive (a path that leaves
it, a link, an archive within it, more bytes than its size permits) is a reject, never followed.
"""

import io
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import BinaryIO

from kernels.reading.code.config import CodeConfig
from kernels.reading.code.judgement import judge
from kernels.reading.code.languages import language_patterns
from kernels.reading.code.licences import MAX_LICENCE_CHARS, is_licence_file, match_licence
from kernels.reading.code.members import BombError, Budget, DamagedArchiveError, Member, Wants, nested
from kernels.reading.code.tar_archives import tar_members
from kernels.reading.code.zip_archives import zip_members
from kernels.reading.parsing.text import DamagedFileError, decompressed
from kernels.specs.sources import COMPRESSED, Document, Recognised, Reject, SourceFile, SourceFormat

TAR_SUFFIXES = (".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", *(f".tar{ending}" for ending in COMPRESSED))
ZIP_SUFFIXES = (".zip", ".whl")
MAX_NAMES_LOOKED_AT = 200
MAX_LICENCE_FILES = 1 << 14
"""Licence files that an archive is searched for; files below later ones have the licence of a folder further up."""


class _Counted(io.RawIOBase):
    """The packed bytes of an archive, which widen its budget as they are read."""

    def __init__(self, raw: BinaryIO, budget: Budget) -> None:
        self._raw = raw
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._budget.num_packed += len(data)
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()


def read(file: SourceFile, config: CodeConfig) -> Iterator[Document | Reject]:
    """Yield one file as its only document, keyed by its name, or the members of an archive, keyed by their paths in it."""
    if not file.path.lower().endswith((*TAR_SUFFIXES, *ZIP_SUFFIXES)):
        with file.open() as stream:
            data = stream.read(config.max_bytes + 1)
        yield judge(PurePosixPath(file.path).name, file.path, data, config)
        return
    licences = _licences(file)
    for member in _members(file, config.max_bytes, lambda path: True):
        if isinstance(member, Reject):
            yield member
        elif kind := nested(member.path, member.data):
            yield Reject(member.key, "archive_in_archive", kind)
        else:
            yield judge(member.key, member.path, member.data, config, licences)


def _licences(file: SourceFile) -> dict[str, tuple[str, str]]:
    """Return the licences that an archive's files tell, and which file tells it, by folder; the root is the empty string."""
    found: dict[str, tuple[str, str]] = {}
    for member in _members(file, MAX_LICENCE_CHARS, is_licence_file):
        if isinstance(member, Member) and len(found) < MAX_LICENCE_FILES and (name := match_licence(member.data.decode("utf-8", "replace"))):
            found.setdefault(member.path.rpartition("/")[0], (name, member.path))
    return found


def _members(file: SourceFile, max_bytes: int, wants: Wants) -> Iterator[Member | Reject]:
    """Yield the members of an archive up to where it is damaged or proves a bomb, which is its last reject."""
    budget = Budget()
    try:
        if file.path.lower().endswith(ZIP_SUFFIXES):
            with file.open() as stream:
                yield from zip_members(stream, budget, max_bytes, wants)
        else:
            with decompressed(SourceFile(file.path, lambda: _Counted(file.open(), budget))) as unpacked:  # pyright: ignore[reportArgumentType]
                yield from tar_members(unpacked, budget, max_bytes, wants)
    except BombError as error:
        yield Reject("archive", "bomb", str(error))
    except (DamagedArchiveError, DamagedFileError) as error:
        yield Reject("archive", "damaged", str(error))


def recognise(file: SourceFile) -> Recognised | None:
    """Return whether an archive holds mostly source files; any other file is one by its name."""
    if not file.path.lower().endswith((*TAR_SUFFIXES, *ZIP_SUFFIXES)):
        return Recognised({}, "source files")
    names: list[str] = []

    def look(path: str) -> bool:
        names.append(PurePosixPath(path).name)
        if len(names) >= MAX_NAMES_LOOKED_AT:
            raise BombError("enough seen")  # which ends the reading
        return False

    for _ in _members(file, 0, look):
        pass
    num_source = sum(any(fnmatchcase(name.lower(), pattern.lower()) for pattern in language_patterns()) for name in names)
    return Recognised({}, "source files") if num_source * 2 > len(names) else None


SPEC = SourceFormat(
    name="code",
    version=3,
    config=CodeConfig,
    patterns=(*language_patterns(), *(f"*{suffix}" for suffix in (*TAR_SUFFIXES, *ZIP_SUFFIXES))),
    read=read,
    is_compressible=False,
    recognise=recognise,
)
