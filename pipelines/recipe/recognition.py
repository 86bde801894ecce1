"""What the files of a folder are, found by looking into some of each kind: the sources that a new recipe begins with.

A file is of the format with the longest pattern that fits its name and that recognises what is inside; where a format only goes by the name, the
name is enough. Of many files alike in folder and ending a few are looked into, and the others are taken for the same.
"""

import glob
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from kernels.reading.parsing.samples import head_text
from kernels.specs.families import specs
from kernels.specs.sources import Recognised, SourceFile, SourceFormat, plain_name
from pipelines.settings import HOME_NAME
from resources.storage.listing import Location, list_location, matcher

MAX_LISTED = 100_000
MAX_LOOKED = 5
"""Files of one folder and ending that are looked into."""
XML_ROOTS = {"wikipedia": "<mediawiki", "stackexchange": "<posts"}
"""What a dump in XML begins with, by format: their names are those of any XML file."""
NOTHING_KNOWN = Recognised({}, "by their names")


class Group(NamedTuple):
    """Files that one source of a recipe reads."""

    format: str
    options: tuple[tuple[str, str], ...]
    why: str
    files: tuple[str, ...]
    patterns: tuple[str, ...]
    """Which of the folder's files they are, where the format's own patterns would take others too."""


class Findings(NamedTuple):
    """What a folder holds."""

    groups: list[Group]
    unread: dict[str, list[str]]
    """Files that no source of a new recipe reads, by why."""


class _Kind(NamedTuple):
    format: str
    options: tuple[tuple[str, str], ...]
    why: str


def recognise_folder(folder: Path, own: tuple[str, ...]) -> Findings:
    """Return what the files of a folder are. ``own`` are names beside them that are no data, such as the recipe's."""
    location = Location(str(folder), ("*",), "base", 1, left_out=tuple(str(folder / name) for name in own), state=(str(folder / HOME_NAME),))
    listing = list_location(location)
    unread: dict[str, list[str]] = {}
    for path, reason in listing.passed.items():
        unread.setdefault(reason, []).append(path)
    files = list(listing.files)
    if len(files) > MAX_LISTED:
        unread["not_looked_at"] = files[MAX_LISTED:]
        files = files[:MAX_LISTED]
    kinds: dict[str, _Kind] = {}
    for bucket in _buckets(files).values():
        looked: list[_Kind | None] = []
        for path in bucket:
            if len(looked) < MAX_LOOKED or len(set(looked)) > 1:
                looked.append(_kind(folder, path))
            if (kind := looked[-1]) is not None:
                kinds[path] = kind
            else:
                unread.setdefault("no_pattern" if not _named(path) else "not_recognised", []).append(path)
    return Findings(list(_groups(kinds, files)), unread)


def _buckets(files: list[str]) -> dict[tuple[str, str], list[str]]:
    """Return files by folder and ending."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in files:
        found.setdefault((str(PurePosixPath(path).parent), _ending(path)), []).append(path)
    return found


def _ending(path: str) -> str:
    """Return the end of a file's name that tells its kind, that of its compression included; empty for a name without one."""
    name = PurePosixPath(path).name
    plain = plain_name(name)
    return PurePosixPath(plain).suffix + name.lower()[len(plain) :]


def _named(path: str) -> list[SourceFormat]:
    """Return the formats whose patterns fit a name: the longest first, code last, since its patterns take what others read better."""
    name = PurePosixPath(path).name.lower()
    found = [(spec.name == "code", -max(map(len, fits)), spec.name) for spec in specs("sources").values() if (fits := _fits(name, spec))]
    return [specs("sources")[name] for _, _, name in sorted(found)]


def _fits(name: str, spec: SourceFormat) -> list[str]:
    return [pattern for pattern in spec.file_patterns if fnmatchcase(name, pattern.lower())]


def _kind(folder: Path, path: str) -> _Kind | None:
    """Return what one file is, None where no format reads it."""
    file = SourceFile(path, lambda: (folder / path).open("rb"))
    for spec in _named(path):
        try:
            found = spec.recognise(file) if spec.recognise is not None else _by_root(file, spec)
        except OSError:
            return None
        if found is not None:
            return _Kind(spec.name, tuple(found.options.items()), found.why)
    return None


def _by_root(file: SourceFile, spec: SourceFormat) -> Recognised | None:
    root = XML_ROOTS.get(spec.name)
    if root is None or not plain_name(file.path).endswith(".xml"):
        return NOTHING_KNOWN
    return Recognised({}, f"a dump of {spec.name}") if root in head_text(file) else None


def _groups(kinds: dict[str, _Kind], files: list[str]) -> Iterator[Group]:
    by_kind: dict[_Kind, list[str]] = {}
    for path, kind in kinds.items():
        by_kind.setdefault(kind, []).append(path)
    for kind, paths in sorted(by_kind.items(), key=lambda item: (item[0].format == "code", item[0])):
        spec = specs("sources")[kind.format]
        own, fits = set(paths), matcher(spec.file_patterns)
        is_all = all(path in own for path in files if fits(path))
        yield Group(*kind, tuple(paths), () if is_all else tuple(_patterns(own, files)))


def _patterns(own: set[str], files: list[str]) -> Iterator[str]:
    """Yield patterns that fit some files and no other: by ending, else by folder and ending, else by path."""
    for ending in sorted({_ending(path) for path in own}):
        alike = [path for path in files if _ending(path) == ending]
        if ending and own.issuperset(alike):
            yield f"*{ending}"
            continue
        by_folder: dict[str, list[str]] = {}
        for path in alike:
            by_folder.setdefault(path.rpartition("/")[0], []).append(path)
        for folder in by_folder:
            below = [path for path in alike if path.startswith(f"{folder}/")] if folder else alike
            if ending and folder and own.issuperset(below):
                yield f"{glob.escape(folder)}/*{ending}"
            else:
                yield from (glob.escape(path) if folder else f"/{glob.escape(path)}" for path in by_folder[folder] if path in own)
