"""Dagster's event log as a mirror of the lake: each event says what its cell was made from, so that Dagster's own staleness agrees.

Dagster calls a cell stale where its event lacks a declared dependency, or names another code version or content than the newest
(dagster/_core/definitions/data_version.py). An event that is only logged carries no such tags by itself; `event_tags` writes them. Of a
partitioned parent Dagster compares not the version but the place in the log (the pointer): nothing newer with another content may stand
behind it. Where the same cell would now be declared otherwise though nothing it comes from changed, its event is written anew (`restamp`):
when its asset hangs on something else, or on a whole (a file, an asset without partitions) that is new but that this cell does not read.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import dagster as dg
from dagster._core.definitions.data_version import extract_data_version_from_entry

from assets.graph.artifact import SHARDS, Artifact, Graph
from assets.graph.state import GraphState
from assets.orchestration.events import event_metadata
from assets.orchestration.keys import asset_key, declared_version
from resources.storage.atomic import write_atomically
from resources.storage.content import hash_json
from resources.storage.manifest import Manifest

DATA_VERSION = "dagster/data_version"
CODE_VERSION = "dagster/code_version"
INPUT_VERSION = "dagster/input_data_version/"
INPUT_POINTER = "dagster/input_event_pointer/"
NO_POINTER = "NULL"
UNKNOWN = "INITIAL"


class Seen(NamedTuple):
    """The newest event of a cell: its place in the log, and the content that it names."""

    place: int
    content: str


class EventLog:
    """The newest events of a recipe's assets and files, read once an asset; make a new one when something was logged."""

    def __init__(self, instance: dg.DagsterInstance, graph: Graph) -> None:
        """Read from an instance's log."""
        self.instance, self.graph = instance, graph
        self._partitions: dict[str, dict[str, Seen]] = {}
        self._whole: dict[str, Seen | None] = {}

    def is_partitioned(self, name: str) -> bool:
        """Return whether an asset, or the files of a source, have partitions."""
        artifact = self.graph.artifacts.get(name)
        return name.startswith("sources/") if artifact is None else artifact.partitioning is not None

    def partitions(self, name: str) -> dict[str, Seen]:
        """Return the newest event of each partition."""
        if name not in self._partitions:
            asset, log = asset_key(self.graph.recipe, name), self.instance.event_log_storage
            observed = name not in self.graph.artifacts
            kind = dg.DagsterEventType.ASSET_OBSERVATION if observed else dg.DagsterEventType.ASSET_MATERIALIZATION
            places = log.get_latest_storage_id_by_partition(asset, kind)
            tags = log.get_latest_tags_by_partition(asset, kind, [DATA_VERSION])
            self._partitions[name] = {
                key: Seen(place, tags.get(key, {}).get(DATA_VERSION, UNKNOWN)) for key, place in places.items() if key is not None
            }
        return self._partitions[name]

    def whole(self, name: str) -> Seen | None:
        """Return the newest event of an asset without partitions."""
        if name not in self._whole:
            key = asset_key(self.graph.recipe, name)
            record = self.instance.get_latest_data_version_record(key, is_source=name not in self.graph.artifacts)
            version = record and extract_data_version_from_entry(record.event_log_entry)
            self._whole[name] = record and Seen(record.storage_id, version.value if version else UNKNOWN)
        return self._whole[name]


def event_tags(log: EventLog, state: GraphState, artifact: Artifact, manifest: Manifest) -> dict[str, str]:
    """Return the tags of a cell's event: its content, the code that made it, and what it was made from."""
    read = {parent.name: parent.content for parent in manifest.parents}
    tags = {
        DATA_VERSION: manifest.content,
        CODE_VERSION: declared_version(log.graph, artifact),
        "dagster/data_version_is_user_provided": "true",
    }
    for upstream in artifact.upstream:
        key = asset_key(log.graph.recipe, upstream).to_user_string()
        version, pointer = _input(log, state, artifact, upstream, manifest.partition, read)
        tags[INPUT_VERSION + key], tags[INPUT_POINTER + key] = version, NO_POINTER if pointer is None else str(pointer)
    return tags


def _input(
    log: EventLog, state: GraphState, artifact: Artifact, upstream: str, partition: str | None, read: Mapping[str, str]
) -> tuple[str, int | None]:
    """Return version and pointer of one dependency. Without a pointer a partitioned dependency never makes a cell stale."""
    if not log.is_partitioned(upstream):
        seen = log.whole(upstream)
        return read.get(upstream) or (seen.content if seen else UNKNOWN), seen.place if seen else None
    keys = _keys(state, artifact, upstream, partition)
    contents = {key: content for key in keys if (content := read.get(f"{upstream}[{key}]") or state.usable(upstream, key)) is not None}
    seen_by_key = log.partitions(upstream)
    same = _has_partition(log, artifact, upstream)
    watched = {partition: seen_by_key[partition]} if same and partition in seen_by_key else {} if same else seen_by_key
    known = [watched[key] for key in contents if key in watched]
    outrun = [watched[key].place for key in contents if key in watched and watched[key].content != contents[key]]
    version = contents.get(str(partition)) if same else None
    if outrun:  # the log is newer already than what was read
        return version or f"{len(contents)} partitions", min(outrun) - 1
    return version or f"{len(contents)} partitions", max(seen.place for seen in watched.values()) if known else None


def _keys(state: GraphState, artifact: Artifact, upstream: str, partition: str | None) -> list[str]:
    """Return the partitions of a dependency that a cell is made from."""
    chosen = (found for declared in artifact.made_from if declared.asset == upstream for found in declared.choose(state.observed, partition))
    return [key for key in dict.fromkeys(chosen) if key is not None]


def _has_partition(log: EventLog, artifact: Artifact, upstream: str) -> bool:
    """Return whether Dagster maps each partition to the same one of a dependency: where both are partitioned alike."""
    other = log.graph.artifacts.get(upstream)
    above = SHARDS if other is None else other.partitioning
    return artifact.partitioning is not None and above is not None and above.name == artifact.partitioning.name


def restamp(instance: dg.DagsterInstance, state: GraphState, ledger: Path) -> int:
    """Write anew the events of cells that are as they should be, where the tags of the last one say otherwise; return how many.

    ``ledger`` is a file that remembers by asset under which declaration and wholes its events were found right, so that only what changed is read.
    """
    remembered = _read(ledger)
    known: dict[str, str] = remembered.get(state.graph.recipe, {})
    log = EventLog(instance, state.graph)
    written = 0
    for artifact in state.graph.artifacts.values():
        read_whole = [seen and seen.content for name in artifact.upstream if not log.is_partitioned(name) for seen in [log.whole(name)]]
        declared = hash_json([declared_version(state.graph, artifact), artifact.upstream, read_whole])
        settled = [status for status in state.cells if status.cell.asset == artifact.name]
        for status in settled:
            manifest = state.manifest(artifact.name, status.cell.partition)
            if manifest is None or status.state not in ("fresh", "unjudged", "blocked"):
                continue
            if not _is_stamped(log, state, artifact, manifest, looked=known.get(artifact.name) == declared):
                report(instance, log, state, artifact, manifest)
                written += 1
        if all(status.state in ("fresh", "unjudged", "blocked") for status in settled):
            known = {**known, artifact.name: declared}
    if remembered.get(state.graph.recipe) != known:
        write_atomically(ledger, json.dumps({**remembered, state.graph.recipe: known}, indent=1))
    return written


def _read(ledger: Path) -> dict[str, dict[str, str]]:
    """Return what was found right so far; without it, or where it cannot be read, every event is looked at again."""
    try:
        return json.loads(ledger.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _is_stamped(log: EventLog, state: GraphState, artifact: Artifact, manifest: Manifest, *, looked: bool) -> bool:
    """Return whether a cell's newest event names its content and, where that was not looked at yet, its code and all that it hangs on."""
    seen = log.whole(artifact.name) if manifest.partition is None else log.partitions(artifact.name).get(manifest.partition)
    if seen is None or seen.content != manifest.content:
        return False
    if looked:
        return True
    tags = _newest_tags(log.instance, asset_key(log.graph.recipe, artifact.name), manifest.partition)
    wanted = event_tags(log, state, artifact, manifest)
    return {name: value for name, value in tags.items() if name in wanted and not name.startswith(INPUT_POINTER)} == {
        name: value for name, value in wanted.items() if not name.startswith(INPUT_POINTER)
    }


def _newest_tags(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None) -> Mapping[str, str]:
    partitions = None if partition is None else [partition]
    records = instance.fetch_materializations(dg.AssetRecordsFilter(asset_key=key, asset_partitions=partitions), limit=1).records
    event = records[0].asset_materialization if records else None
    return event.tags or {} if event is not None else {}


def report(instance: dg.DagsterInstance, log: EventLog, state: GraphState, artifact: Artifact, manifest: Manifest) -> None:
    """Log a cell as made, outside of any run."""
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            asset_key=asset_key(log.graph.recipe, artifact.name),
            partition=manifest.partition,
            metadata=event_metadata(state.lake, manifest),
            tags=event_tags(log, state, artifact, manifest),
        )
    )
