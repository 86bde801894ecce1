"""What a recipe's sources hold, as last observed: the partitions in order of arrival and the digest of every file.

A partition is a group of files, key ``source.snapshot.NNN``. New files make new partitions, so that old ones never change because of them;
a partition whose files are all gone is retired, and its number is not given again. A file is looked at by size and modification time
first and read again only where one of them moved.
"""

import fnmatch
import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

import fsspec
from pydantic import BaseModel, ConfigDict

from resources.storage.content import CHUNK_BYTES, hash_text
from resources.storage.lake import Cell, Lake


class Location(NamedTuple):
    """Where the files of a source are: a folder or one file, local or an fsspec URL, and which of the folder's files count."""

    root: str
    patterns: tuple[str, ...]
    snapshot: str
    files_per_partition: int
    left_out: str = ""
    """One file below the root that is no data: the recipe itself, where it lies beside them."""


class ObservedFile(BaseModel):
    """One file as last seen. ``modified`` is whatever the file system tells of a change: a time, an ETag."""

    model_config = ConfigDict(frozen=True)
    path: str
    size_bytes: int
    modified: str
    digest: str


class Partition(BaseModel):
    """A group of files of one source."""

    model_config = ConfigDict(frozen=True)
    key: str
    source: str
    files: list[ObservedFile]

    @property
    def content(self) -> str:
        """The content of the group: paths and digests."""
        return hash_text(*(part for file in self.files for part in (file.path, file.digest)))


class Registry(BaseModel):
    """All partitions, in order of arrival, the retired ones included, and the other observed inputs by name."""

    model_config = ConfigDict(frozen=True)
    partitions: list[Partition] = []
    inputs: dict[str, Partition] = {}

    def active(self) -> list[Partition]:
        """Return the partitions that have files."""
        return [partition for partition in self.partitions if partition.files]

    def partition(self, key: str) -> Partition:
        """Return one partition by key."""
        for partition in self.partitions:
            if partition.key == key:
                return partition
        raise KeyError(f"no partition {key}; the sources have {', '.join(p.key for p in self.active()) or 'none: run mill up'}")


def load_registry(lake: Lake, recipe: str) -> Registry:
    """Return the recipe's registry, an empty one where nothing has been observed."""
    text = lake.read_state(recipe, "sources.json")
    return Registry() if text is None else Registry.model_validate_json(text)


def standing_cells(lake: Lake, recipe: str) -> list[Cell]:
    """Return the whole cells of a recipe, those of retired partitions aside."""
    retired = {partition.key for partition in load_registry(lake, recipe).partitions if not partition.files}
    return [cell for cell in lake.cells(recipe) if cell.partition not in retired]


def list_files(location: Location) -> dict[str, tuple[int, str]]:
    """Return size and modification mark of each file of a location by its relative path, in order of path.

    Raises:
        FileNotFoundError: the location does not exist.
    """
    filesystem, root = fsspec.url_to_fs(location.root)
    filesystem.invalidate_cache(root)  # another process may have written since this one listed
    if not filesystem.exists(root):
        raise FileNotFoundError(f"{location.root}: no such file or folder; correct the recipe's path or put the data there")
    found: dict[str, dict[str, object]] = filesystem.find(root, detail=True)
    files: dict[str, tuple[int, str]] = {}
    for path, info in found.items():
        relative = PurePosixPath(path).relative_to(root).as_posix() if path != root else PurePosixPath(path).name
        if path == location.left_out or any(part.startswith(".") for part in PurePosixPath(relative).parts):
            continue
        if path == root or any(fnmatch.fnmatch(PurePosixPath(relative).name, pattern) for pattern in location.patterns):
            mark = next((info[key] for key in ("mtime", "ETag", "LastModified", "last_modified", "updated", "created") if key in info), "")
            files[relative] = (int(str(info["size"])), str(mark))
    return dict(sorted(files.items()))


def open_file(location: Location, path: str):  # noqa: ANN201 (fsspec has no type for what it opens)
    """Open one file of a location for reading bytes."""
    filesystem, root = fsspec.url_to_fs(location.root)
    return filesystem.open(root if filesystem.isfile(root) else f"{root}/{path}", "rb")


def _digest(location: Location, path: str) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    with open_file(location, path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()


def _look(location: Location, known: Mapping[str, ObservedFile]) -> list[ObservedFile]:
    """Return the files of a location, read only where size or modification mark differ from what is known."""
    seen: list[ObservedFile] = []
    for path, (size, modified) in list_files(location).items():
        old = known.get(path)
        if old is not None and (old.size_bytes, old.modified) == (size, modified):
            seen.append(old)
        else:
            seen.append(ObservedFile(path=path, size_bytes=size, modified=modified, digest=_digest(location, path)))
    return seen


def observe(registry: Registry, sources: Mapping[str, Location], inputs: Mapping[str, Location]) -> Registry:
    """Return the registry as the sources stand now. Raises FileNotFoundError where a location does not exist."""
    known = {(p.source, file.path): file for p in registry.partitions for file in p.files}
    now = {
        (source, file.path): file
        for source, location in sources.items()
        for file in _look(location, {path: file for (owner, path), file in known.items() if owner == source})
    }
    partitions = [
        partition.model_copy(update={"files": [now[partition.source, old.path] for old in partition.files if (partition.source, old.path) in now]})
        for partition in registry.partitions
    ]
    for source, location in sources.items():
        fresh = [file for (owner, path), file in now.items() if owner == source and (owner, path) not in known]
        prefix = f"{source}.{location.snapshot}."
        number = sum(partition.key.startswith(prefix) for partition in partitions)
        for start in range(0, len(fresh), location.files_per_partition):
            group = fresh[start : start + location.files_per_partition]
            partitions.append(Partition(key=f"{prefix}{number:03d}", source=source, files=group))
            number += 1
    looked = {
        name: Partition(
            key=name,
            source=name,
            files=_look(location, {file.path: file for file in registry.inputs[name].files} if name in registry.inputs else {}),
        )
        for name, location in inputs.items()
    }
    return Registry(partitions=partitions, inputs=looked)


def save_registry(lake: Lake, recipe: str, registry: Registry) -> None:
    """Store the registry, atomically."""
    lake.write_state(recipe, "sources.json", registry.model_dump_json(indent=1))
