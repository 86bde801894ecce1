"""What a recipe's sources hold, as last observed: the partitions in order of arrival and the digest of every file.

A partition is a group of files, key ``source.snapshot.NNN``. New files make new partitions, so that old ones never change because of them;
a partition whose files are all gone is retired, and its number is not given again: a file that returns takes its old partition. A source
that is empty where it was not is an error, so that an unmounted disk retires nothing. A file is looked at by size, times and inode
first and read again only where one of them moved. What no source reads is counted and named.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from resources.storage.content import hash_text
from resources.storage.lake import Lake
from resources.storage.listing import OWN_STATE, Listing, Location, absolute, digest_of, in_words, list_files, list_location, open_file
from resources.storage.manifest import Cell

__all__ = [  # what a file of a location is (listing.py) is told here too: its users ask for both together
    "FileChanges",
    "Location",
    "ObservedFile",
    "ObservedSources",
    "Partition",
    "PassedOver",
    "SourceVanished",
    "digest_of",
    "file_changes",
    "list_files",
    "load_sources",
    "observe",
    "open_file",
    "save_sources",
    "standing_cells",
]
STATE = "sources.json"
MAX_NAMED = 100
"""Files passed over that are named, of each source and reason; all are counted."""


class ObservedFile(BaseModel):
    """One file as last seen. ``modified`` is whatever the file system tells of a change: a time, an ETag."""

    model_config = ConfigDict(frozen=True)
    path: str
    size_bytes: int
    modified: str
    digest: str


class PassedOver(BaseModel):
    """Files below a source's root that nothing reads, for one reason."""

    model_config = ConfigDict(frozen=True)
    source: str
    reason: str
    """A key of `resources.storage.listing.REASONS`."""
    count: int
    names: list[str]
    """The first `MAX_NAMED` of them, relative to the source's root."""

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.source}: {in_words(self.reason, self.names, self.count)}"


class Partition(BaseModel):
    """A group of files of one source."""

    model_config = ConfigDict(frozen=True)
    key: str
    source: str
    files: list[ObservedFile]
    gone: list[str] = []
    """Paths of files that it had and that are not there now."""

    @property
    def content(self) -> str:
        """The content of the group: paths and digests."""
        return hash_text(*(part for file in self.files for part in (file.path, file.digest)))


class ObservedSources(BaseModel):
    """All partitions, in order of arrival, the retired ones included, and the other observed inputs by name."""

    model_config = ConfigDict(frozen=True)
    partitions: list[Partition] = []
    inputs: dict[str, Partition] = {}
    passed: list[PassedOver] = []

    def passed_content(self, source: str) -> str:
        """The content of what is passed over of a source: reasons, counts and names."""
        return hash_text(*(found.model_dump_json() for found in self.passed if found.source == source))

    @cached_property
    def active(self) -> tuple[Partition, ...]:
        """The partitions that have files, in order of arrival."""
        return tuple(partition for partition in self.partitions if partition.files)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys of the active partitions, in order of arrival."""
        return tuple(partition.key for partition in self.active)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where each active partition stands in the order of arrival."""
        return {key: position for position, key in enumerate(self.keys)}

    def keys_of(self, sources: Collection[str]) -> tuple[str, ...]:
        """Return the keys of the active partitions of some sources, in order of arrival."""
        return tuple(partition.key for partition in self.active if partition.source in sources)

    def first_keys(self, bounds: Mapping[str, int | None]) -> tuple[str, ...]:
        """Return the keys of the active partitions of some sources, of each among so many that came first (None: all), in order of arrival.

        Retired partitions count, so that no later one takes their place.
        """
        counts = dict.fromkeys(bounds, 0)
        found: list[str] = []
        for partition in self.partitions:
            if partition.source not in bounds:
                continue
            counts[partition.source] += 1
            most = bounds[partition.source]
            if partition.files and (most is None or counts[partition.source] <= most):
                found.append(partition.key)
        return tuple(found)

    def partition(self, key: str) -> Partition:
        """Return one partition by key."""
        for partition in self.partitions:
            if partition.key == key:
                return partition
        raise KeyError(f"no partition {key}; the sources have {', '.join(self.keys) or 'none: run mill up'}")


class SourceVanished(FileNotFoundError):
    """A source has no file where it had some."""


class FileChanges(NamedTuple):
    """Which files of a source came, changed or went between two looks."""

    new: list[str]
    changed: list[str]
    gone: list[str]


def file_changes(before: ObservedSources, now: ObservedSources) -> dict[str, FileChanges]:
    """Return which files differ, by source, where any do."""
    old, new = _digests(before), _digests(now)
    found: dict[str, FileChanges] = {}
    for source in sorted(old.keys() | new.keys()):
        was, there = old.get(source, {}), new.get(source, {})
        changes = FileChanges(
            new=sorted(there.keys() - was.keys()),
            changed=sorted(path for path, digest in there.items() if was.get(path, digest) != digest),
            gone=sorted(was.keys() - there.keys()),
        )
        if any(changes):
            found[source] = changes
    return found


def _digests(observed: ObservedSources) -> dict[str, dict[str, str]]:
    """Return the digest of each file by source and path."""
    found: dict[str, dict[str, str]] = {}
    for partition in observed.partitions:
        found.setdefault(partition.source, {}).update({file.path: file.digest for file in partition.files})
    return found


def load_sources(lake: Lake, recipe: str) -> ObservedSources:
    """Return a recipe's sources as last observed, none where nothing has been.

    Raises:
        ValueError: the file is not readable (names it and the remedy).
    """
    text = lake.read_state(recipe, STATE)
    try:
        return ObservedSources() if text is None else ObservedSources.model_validate_json(text)
    except ValueError as error:
        raise ValueError(
            f"{lake.root}/{recipe}/{STATE}: not what observation wrote ({error}); restore the file, or delete it: "
            "partitions are then numbered anew in the order of their files' names, and what differs is made again"
        ) from error


def standing_cells(lake: Lake, recipe: str) -> list[Cell]:
    """Return the whole cells of a recipe, those of retired partitions aside."""
    retired = {partition.key for partition in load_sources(lake, recipe).partitions if not partition.files}
    return [cell for cell in lake.cells(recipe) if cell.partition not in retired]


def _look(location: Location, listing: Listing, known: Mapping[str, ObservedFile]) -> list[ObservedFile]:
    """Return the files of a location, read only where size or modification mark differ from what is known; what may not be read is passed over."""
    seen: list[ObservedFile] = []
    for path, (size, modified) in list(listing.files.items()):
        old = known.get(path)
        if old is not None and (old.size_bytes, old.modified) == (size, modified):
            seen.append(old)
            continue
        try:
            seen.append(ObservedFile(path=path, size_bytes=size, modified=modified, digest=digest_of(location, path)))
        except (PermissionError, FileNotFoundError) as error:
            listing.passed[path] = "unreadable" if isinstance(error, PermissionError) else "vanished"
            del listing.files[path]
    return seen


def _passed_over(locations: Mapping[str, Location], listings: Mapping[str, Listing], read: Iterable[str]) -> list[PassedOver]:
    """Return what no source reads, each file once though several sources share its folder; ``read`` are whole paths that something else reads.

    modelmill's own state is no data, and is not spoken of.
    """
    told = {absolute(locations[source], path) for source, listing in listings.items() for path in listing.files} | set(read)
    found: dict[tuple[str, str], list[str]] = {}
    for source, listing in listings.items():
        for path, reason in listing.passed.items():
            whole = absolute(locations[source], path)
            if whole not in told and reason != OWN_STATE:
                told.add(whole)
                found.setdefault((source, reason), []).append(path)
    return [PassedOver(source=source, reason=reason, count=len(paths), names=paths[:MAX_NAMED]) for (source, reason), paths in sorted(found.items())]


def observe(
    before: ObservedSources, sources: Mapping[str, Location], inputs: Mapping[str, Location], absent: Collection[str] = ()
) -> ObservedSources:
    """Return the sources as they stand now; nothing is stored. Those named in ``absent`` are not looked at, and stay as they were.

    Raises:
        FileNotFoundError: a location does not exist.
        SourceVanished: a source that had files has none now.
    """
    known = {(partition.source, file.path): file for partition in before.partitions for file in partition.files}
    now: dict[tuple[str, str], ObservedFile] = {}
    present = {source: location for source, location in sources.items() if source not in absent}
    listings = {source: list_location(location) for source, location in present.items()}
    for source, location in present.items():
        own = {path: file for (owner, path), file in known.items() if owner == source}
        seen = _look(location, listings[source], own)
        if own and not seen:
            raise SourceVanished(
                f"{location.root}: the source {source!r} had {len(own)} files and has none now; put them back (is the disk mounted?), "
                "or take the source out of the recipe"
            )
        now |= {(source, file.path): file for file in seen}
    partitions = [
        partition if partition.source in absent else _as_now(partition, now) if partition.source in sources else _retired(partition)
        for partition in before.partitions
    ]
    placed = {(partition.source, file.path) for partition in partitions for file in partition.files}
    for source, location in present.items():
        fresh = [file for (owner, path), file in now.items() if owner == source and (owner, path) not in placed]
        partitions += _new_partitions(source, location, fresh, partitions)
    looked = {name: _look_at_input(name, location, before) for name, location in inputs.items() if name not in absent}
    looked |= {name: seen for name, seen in before.inputs.items() if name in absent}
    read = [absolute(inputs[name], file.path) for name, seen in looked.items() if name in inputs for file in seen.files]
    passed = [found for found in before.passed if found.source in absent and found.source in sources]
    return ObservedSources(partitions=partitions, inputs=looked, passed=passed + _passed_over(present, listings, read))


def _look_at_input(name: str, location: Location, before: ObservedSources) -> Partition:
    known = {file.path: file for file in before.inputs[name].files} if name in before.inputs else {}
    return Partition(key=name, source=name, files=_look(location, list_location(location), known))


def _as_now(partition: Partition, now: Mapping[tuple[str, str], ObservedFile]) -> Partition:
    """Return a partition with those of its files that are there, the returned ones too, in order of path as when it was made."""
    paths = sorted([*(file.path for file in partition.files), *partition.gone])
    files = [now[partition.source, path] for path in paths if (partition.source, path) in now]
    return partition.model_copy(update={"files": files, "gone": [path for path in paths if (partition.source, path) not in now]})


def _retired(partition: Partition) -> Partition:
    return partition.model_copy(update={"files": [], "gone": sorted([*(file.path for file in partition.files), *partition.gone])})


def _new_partitions(source: str, location: Location, files: list[ObservedFile], before: list[Partition]) -> list[Partition]:
    """Return new files in groups, numbered on from the partitions there are."""
    prefix = f"{source}.{location.snapshot}."
    number = sum(partition.key.startswith(prefix) for partition in before)
    size = location.files_per_partition
    groups = [files[start : start + size] for start in range(0, len(files), size)]
    return [Partition(key=f"{prefix}{number + index:03d}", source=source, files=group) for index, group in enumerate(groups)]


def save_sources(lake: Lake, recipe: str, sources: ObservedSources) -> None:
    """Store what was observed, atomically."""
    lake.write_state(recipe, STATE, sources.model_dump_json(indent=1))
