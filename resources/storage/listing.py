"""The files of a source: which of a folder's files count, and which are passed over and why.

Nothing is passed over in silence: a file that no pattern names, a hidden one, a link that leads nowhere, what is no file at all (a FIFO would keep
its reader waiting for ever), a name that is no text. Links are followed: what counts of a file is the target's size, times and inode. A folder is
read once, however many links lead to it. Local folders are walked here, anything else by fsspec.
"""

import fnmatch
import functools
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from resources.storage.content import CHUNK_BYTES
from resources.storage.file_systems import open_file_system

KINDS = {stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
OWN_STATE = "state"
REASONS = {
    "no_pattern": "no source reads files of such a name",
    "hidden": "hidden: the name begins with a dot",
    OWN_STATE: "modelmill's own state",
    "dangling_link": "a link that leads nowhere",
    "folder_read_already": "a link to a folder that is read already or holds the source",
    "fifo": "a FIFO, no file",
    "socket": "a socket, no file",
    "device": "a device, no file",
    "not_a_file": "no file",
    "undecodable_name": "the name is not UTF-8",
    "unreadable": "may not be read",
    "vanished": "went while it was looked at",
}
"""Why files are passed over, in words."""


class Location(NamedTuple):
    """Where the files of a source are: a folder or one file, local or an fsspec URL, and which of the folder's files count."""

    root: str
    patterns: tuple[str, ...]
    """Of names, capital and small letters alike; one with a slash, be it the first character, is of the path below the root."""
    snapshot: str
    files_per_partition: int
    left_out: tuple[str, ...] = ()
    """Files below the root that are no data: the recipe itself, where it lies beside them."""
    state: tuple[str, ...] = ()
    """Folders that, where they lie below the root, are left out and told of: home and lake, which would feed on themselves."""


class Listing(NamedTuple):
    """What a location holds, by path relative to the root and in order of path."""

    files: dict[str, tuple[int, str]]
    """Size in bytes, and whatever tells of a change: times and inode, an ETag."""
    passed: dict[str, str]
    """Why each of the others is passed over, a key of `REASONS`. What is below a folder that is passed over is not listed."""


class _Entry(NamedTuple):
    path: str
    size_bytes: int
    mark: str
    fault: str = ""
    is_root: bool = False
    """Whether it is the location itself, which counts whatever its name is."""


def list_location(location: Location) -> Listing:
    """Return what a location holds.

    Raises:
        FileNotFoundError: the location does not exist; ValueError: it is neither a folder nor a file.
    """
    listing = Listing({}, {})
    fits = matcher(location.patterns)
    for entry in sorted(_local(location) if _is_local(location.root) else _remote(location)):
        if entry.fault:
            listing.passed[entry.path] = entry.fault
        elif entry.is_root or fits(entry.path):
            listing.files[entry.path] = (entry.size_bytes, entry.mark)
        else:
            listing.passed[entry.path] = "no_pattern"
    return listing


def list_files(location: Location) -> dict[str, tuple[int, str]]:
    """Return size and modification mark of each file of a location by its relative path, in order of path.

    Raises:
        FileNotFoundError: the location does not exist.
    """
    return list_location(location).files


def absolute(location: Location, path: str) -> str:
    """Return the whole path or URL of one of a location's files."""
    if not _is_local(location.root):
        return f"{location.root.rstrip('/')}/{path}"
    root = os.path.abspath(location.root)  # noqa: PTH100 (no link is to be resolved)
    return f"{root}/{path}" if Path(root).is_dir() else root


def open_file(location: Location, path: str):  # noqa: ANN201 (fsspec has no type for what it opens)
    """Open one file of a location for reading bytes. Raises FileNotFoundError, also where the location is another file itself."""
    if _is_local(location.root):
        root = Path(location.root)
        if root.is_dir():
            return (root / path).open("rb")
        _require_name(root.name, location, path)
        return root.open("rb")
    filesystem, place = open_file_system(location.root)
    if not filesystem.isfile(place):
        return filesystem.open(f"{place}/{path}", "rb")
    _require_name(PurePosixPath(place).name, location, path)
    return filesystem.open(place, "rb")


def _require_name(name: str, location: Location, path: str) -> None:
    if _shown(name) != path:
        raise FileNotFoundError(f"{location.root}: is a file, in which there is no {path}")


def digest_of(location: Location, path: str) -> str:
    """Return the hash of a file's bytes, read anew."""
    hasher = hashlib.blake2b(digest_size=16)
    with open_file(location, path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()


def _is_local(root: str) -> bool:
    return "://" not in root


@functools.lru_cache(maxsize=256)
def matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return what tells whether a path below a location's root fits its patterns."""
    names, paths = ([p for p in patterns if ("/" in p) == is_path] for is_path in (False, True))
    name_fits, path_fits = (
        re.compile("|".join(fnmatch.translate(p.lower().removeprefix("/")) for p in some) or r"(?!)").match for some in (names, paths)
    )

    def fits(path: str) -> bool:
        lowered = path.lower()
        return bool(name_fits(lowered.rpartition("/")[2]) or path_fits(lowered))

    return fits


def _remote(location: Location) -> Iterator[_Entry]:
    filesystem, root = open_file_system(location.root)
    filesystem.invalidate_cache(root)  # another process may have written since this one listed
    if not filesystem.exists(root):
        raise FileNotFoundError(f"{location.root}: no such file or folder; correct the recipe's path or put the data there")
    found: dict[str, dict[str, Any]] = filesystem.find(root, detail=True)
    state = tuple(f"{url.rstrip('/')}/" for url in location.state)
    for path, info in found.items():
        is_root = path == root
        relative = PurePosixPath(path).name if is_root else PurePosixPath(path).relative_to(root).as_posix()
        mark = next((info[key] for key in ("mtime", "ETag", "LastModified", "last_modified", "updated", "created") if key in info), "")
        fault = "" if info.get("type", "file") == "file" else "not_a_file"
        if not is_root and any(part.startswith(".") for part in relative.split("/")):
            fault = "hidden"
        elif f"{location.root.rstrip('/')}/{relative}".startswith(state):
            fault = OWN_STATE
        yield _Entry(relative, int(info.get("size") or 0), str(mark), fault, is_root)


def _local(location: Location) -> Iterator[_Entry]:
    root = Path(location.root)
    try:
        about = root.stat()
    except FileNotFoundError:
        lost = "a link that leads nowhere" if root.is_symlink() else "no such file or folder"
        raise FileNotFoundError(f"{location.root}: {lost}; correct the recipe's path or put the data there") from None
    if stat.S_ISREG(about.st_mode):
        return iter([_Entry(_shown(root.name), about.st_size, _mark(about), is_root=True)])
    if not stat.S_ISDIR(about.st_mode):
        raise ValueError(f"{location.root}: {REASONS[_kind(about)]}; name a folder or a file in the recipe")
    return _Walk(root, location).entries()


def _mark(about: os.stat_result) -> str:
    """Return what changes when a file does, one of equal size that takes its place with an old time too."""
    return f"{about.st_mtime_ns}/{about.st_ctime_ns}/{about.st_ino}"


def _kind(about: os.stat_result) -> str:
    return KINDS.get(stat.S_IFMT(about.st_mode), "not_a_file")


def _shown(name: str) -> str:
    """Return a name that can be written down, bytes that are not UTF-8 as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


class _Walk:
    """A walk through a local folder: what it holds itself first, then the folders that links lead to."""

    def __init__(self, root: Path, location: Location) -> None:
        self._root = root
        self._real_root = os.path.realpath(root)
        self._left_out = {os.path.realpath(path) for path in location.left_out}
        self._state = {os.path.realpath(path) for path in location.state if _is_local(path)}
        self._walked: set[tuple[int, int]] = set()
        self._links: list[str] = []

    def entries(self) -> Iterator[_Entry]:
        yield from self._folder("")
        while self._links:
            self._links.sort()
            relative = self._links.pop(0)
            about = (self._root / relative).stat()
            if (about.st_dev, about.st_ino) in self._walked or self._holds_root(relative):
                yield _Entry(f"{relative}/", 0, "", "folder_read_already")
            else:
                yield from self._folder(relative)

    def _holds_root(self, relative: str) -> bool:
        real = os.path.realpath(self._root / relative)
        return f"{self._real_root}/".startswith(f"{real.rstrip('/')}/")

    def _folder(self, start: str) -> Iterator[_Entry]:
        """Yield what a folder holds at any depth."""
        stack = [start]
        while stack:
            relative = stack.pop()
            folder = self._root / relative
            try:
                about = folder.stat()
                self._walked.add((about.st_dev, about.st_ino))
                with os.scandir(folder) as found:
                    children = sorted(found, key=lambda entry: entry.name)
            except (PermissionError, FileNotFoundError) as error:
                if not relative:
                    raise
                yield _Entry(f"{relative}/", 0, "", "unreadable" if isinstance(error, PermissionError) else "vanished")
                continue
            real = os.path.realpath(folder)
            for child in children:
                entry = self._entry(child, f"{relative}/{child.name}" if relative else child.name, f"{real}/{child.name}")
                if isinstance(entry, str):
                    stack.append(entry)
                elif entry is not None:
                    yield entry

    def _entry(self, child: os.DirEntry[str], path: str, real: str) -> _Entry | str | None:
        """Return a file, a folder's path that is to be walked, or nothing for what is left out or walked later."""
        shown = _shown(path)
        if shown != path:
            return _Entry(shown, 0, "", "undecodable_name")
        try:
            about = child.stat()
        except OSError as error:
            return _Entry(path, 0, "", "unreadable" if isinstance(error, PermissionError) else "dangling_link" if child.is_symlink() else "vanished")
        is_folder = stat.S_ISDIR(about.st_mode)
        named = f"{path}/" if is_folder else path
        real = os.path.realpath(child.path) if child.is_symlink() else real
        if real in self._left_out:
            return None
        if real in self._state:
            return _Entry(named, 0, "", OWN_STATE)
        if child.name.startswith("."):
            return _Entry(named, 0, "", "hidden")
        if is_folder and child.is_symlink():
            self._links.append(path)
            return None
        if is_folder:
            return path
        fault = "" if stat.S_ISREG(about.st_mode) else _kind(about)
        return _Entry(path, about.st_size, _mark(about), fault)


def in_words(reason: str, names: Sequence[str], count: int) -> str:
    """Return what was passed over for one reason as a line: how many, why and which."""
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return f"{count} passed over ({REASONS.get(reason, reason)}): {', '.join(names)}{more}"
