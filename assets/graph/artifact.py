"""Artifacts: what persists, stated once and used by the planner and by Dagster alike.

An `Artifact` names what a cell is made from and how. `identify` computes the fingerprint it would have now; `make` builds and publishes
it. The lake's manifests are the truth; Dagster's event log mirrors them (assets/dagster_assets.py).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic import BaseModel

from resources.devices.launchers import Launcher
from resources.storage.content import hash_text
from resources.storage.home import Home
from resources.storage.lake import Cell, Draft, Lake, Manifest, Parent, Verdict, fingerprint
from resources.storage.progress import Progress, tell
from resources.storage.sources import Location, Registry
from resources.storage.tables import TableWriter, read_tables, write_table

SAMPLE_ROWS = 5
SAMPLE_CHARS = 160


class Dependency(NamedTuple):
    """Cells that a cell is made from. ``together`` records them as one parent: the digest of their contents, in order."""

    asset: str
    partitions: tuple[str | None, ...]
    optional: bool = False
    """Whether cells that do not exist are left out (a partition stopped by a check) instead of being an error."""
    together: bool = False


class Identity(NamedTuple):
    """What a cell would be made from, were it made now."""

    fingerprint: str
    code_version: str
    config: dict[str, Any]
    parents: list[Parent]


@dataclass(frozen=True)
class Work:
    """One cell being made: what it reads and where it writes."""

    cell: Cell
    config: Any
    lake: Lake
    home: Home
    registry: Registry
    identity: Identity
    draft: Draft
    launch: Launcher
    observe: Callable[[dict[str, Any]], None]
    """Takes the numbers that a running job reports."""

    @property
    def partition(self) -> str:
        """The partition's key, for partitioned artifacts."""
        if self.cell.partition is None:
            raise ValueError(f"{self.cell.asset} has no partitions")
        return self.cell.partition

    def parent(self, asset: str, partition: str | None = None) -> Cell:
        """Return another cell of the same recipe."""
        return Cell(self.cell.recipe, asset, partition)

    def table(self, asset: str, name: str, partition: str | None = None) -> pa.Table:
        """Read a table of another cell."""
        return self.lake.table(self.parent(asset, partition), name)

    def folder(self, asset: str, partition: str | None = None) -> Path:
        """Return the folder of another cell."""
        return self.lake.folder(self.parent(asset, partition))

    def existing(self, asset: str) -> list[str]:
        """Return the active partitions, in order of arrival, of which an asset has a cell that no check blocks."""
        cells = [self.parent(asset, partition.key) for partition in self.registry.active()]
        return [str(cell.partition) for cell in cells if self.lake.manifest(cell) is not None and self.lake.blocked_by(cell) is None]

    def write(self, name: str, table: pa.Table, *, main: bool = False) -> None:
        """Write a table into the draft. The main one gives the row count and the sample."""
        write_table(self.draft.folder / f"{name}.parquet", table)
        if main:
            self.draft.num_rows = table.num_rows
            self.draft.metadata["sample"] = {"markdown": markdown_table(table.slice(0, SAMPLE_ROWS).to_pylist())}

    def tables(self, asset: str, name: str, partition: str | None = None) -> Iterator[pa.Table]:
        """Read a table of another cell piece by piece."""
        return read_tables(self.folder(asset, partition) / f"{name}.parquet")

    def writer(self, name: str, schema: pa.Schema) -> TableWriter:
        """Write a table into the draft piece by piece."""
        return TableWriter(self.draft.folder / f"{name}.parquet", schema)

    def tell(self, message: str, step: int = 0, num_steps: int = 0) -> None:
        """Report progress within the cell."""
        tell(Progress(self.cell, "advanced", message, step, num_steps))


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One asset of one recipe."""

    recipe: str
    name: str
    """``corpus/filtered``: the asset key without the recipe's name."""
    description: str
    group: str
    kinds: tuple[str, ...]
    code_version: str
    partitioned: bool
    config: Callable[[str | None], BaseModel | None]
    """What is computed, by partition."""
    dependencies: Callable[[Registry, str | None], list[Dependency]]
    build: Callable[[Work], None]
    upstream: tuple[str, ...]
    """Names of the assets and sources it hangs on, for lineage."""
    schema: pa.Schema | None = None
    code_version_by_partition: Callable[[str], str] | None = None
    """Where partitions are made by different code (each source has its own reader and filters)."""
    pool: str | None = None
    uses_gpu: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)

    def code_version_of(self, partition: str | None) -> str:
        """Return the version of the code that makes one cell."""
        if partition is None or self.code_version_by_partition is None:
            return self.code_version
        return self.code_version_by_partition(partition)

    def partitions(self, registry: Registry) -> list[str | None]:
        """Return the keys of its cells, in order of arrival."""
        return [partition.key for partition in registry.active()] if self.partitioned else [None]

    def cell(self, partition: str | None) -> Cell:
        """Return one of its cells."""
        return Cell(self.recipe, self.name, partition)


class Check(NamedTuple):
    """One question asked of every cell of an asset. A blocking one that fails stops what hangs on the cell."""

    name: str
    description: str
    blocking: bool
    version: str
    """Of the question itself: another version asks again."""


@dataclass(frozen=True, kw_only=True)
class CheckSuite:
    """Checks that one evaluation answers together, for any number of cells of one asset."""

    name: str
    asset: str
    checks: tuple[Check, ...]
    evaluate: Callable[[Lake, Home, list[Cell]], dict[Cell, dict[str, Verdict]]]

    def unanswered(self, lake: Lake, cell: Cell) -> bool:
        """Return whether a cell's present content has not been judged by every check as it is now."""
        manifest, verdicts = lake.manifest(cell), lake.verdicts(cell)
        return manifest is not None and any(
            check.name not in verdicts or (verdicts[check.name].content, verdicts[check.name].version) != (manifest.content, check.version)
            for check in self.checks
        )


@dataclass(frozen=True)
class Graph:
    """All artifacts of one recipe, parents before children, their checks, and the files they start from."""

    recipe: str
    artifacts: dict[str, Artifact]
    suites: dict[str, list[CheckSuite]]
    """By asset."""
    sources: dict[str, Location]
    inputs: dict[str, Location]
    prepare: Callable[[], None]
    """Makes embedded data sets that the recipe names and that are not there yet."""

    def downstream(self, names: Iterable[str]) -> set[str]:
        """Return the names and all that hangs on them."""
        reached = set(names)
        for artifact in self.artifacts.values():
            if reached.intersection(artifact.upstream):
                reached.add(artifact.name)
        return reached

    def upstream(self, names: Iterable[str]) -> set[str]:
        """Return the names and all that they hang on, sources aside."""
        reached = set(names)
        for artifact in reversed(self.artifacts.values()):
            if artifact.name in reached:
                reached.update(name for name in artifact.upstream if name in self.artifacts)
        return reached


class Contents:
    """Contents of cells and sources as they stand, each looked up once; make a new one when something may have changed."""

    def __init__(self, lake: Lake, registry: Registry, recipe: str) -> None:
        """Look into one recipe's cells and sources."""
        self._lake, self._recipe = lake, recipe
        self._known: dict[tuple[str, str | None], str | None] = {}
        self._blocked: dict[tuple[str, str | None], bool] = {}
        self._chains: dict[str, list[tuple[str | None, str]]] = {}
        for partition in registry.partitions:
            self._known[f"sources/{partition.source}", partition.key] = partition.content
        for name, observed in registry.inputs.items():
            self._known[f"inputs/{name}", None] = observed.content

    def get(self, asset: str, partition: str | None) -> str | None:
        """Return the content hash of a cell, None where it does not exist."""
        key = (asset, partition)
        if key not in self._known:
            manifest = self._lake.manifest(Cell(self._recipe, asset, partition))
            self._known[key] = manifest.content if manifest else None
        return self._known[key]

    def usable(self, asset: str, partition: str | None) -> str | None:
        """Return the content hash of a cell, None where it does not exist or a check blocks it."""
        key = (asset, partition)
        if key not in self._blocked:
            self._blocked[key] = self._lake.blocked_by(Cell(self._recipe, asset, partition)) is not None
        return None if self._blocked[key] else self.get(asset, partition)

    def chain(self, asset: str, partitions: tuple[str | None, ...]) -> str:
        """Return the digest of many cells' contents in order; a list that continues the last one asked for costs only its new end."""
        chain = self._chains.setdefault(asset, [])
        if tuple(partition for partition, _ in chain[: len(partitions)]) != partitions[: len(chain)]:
            chain.clear()
        for partition in partitions[len(chain) :]:
            previous = chain[-1][1] if chain else ""
            content = self.usable(asset, partition)
            chain.append((partition, previous if content is None else hash_text(previous, str(partition), content)))
        return chain[len(partitions) - 1][1] if partitions else ""


def identify(artifact: Artifact, partition: str | None, registry: Registry, contents: Contents) -> Identity:
    """Return what a cell would be made from now.

    Raises:
        FileNotFoundError: a parent that is not optional does not exist.
    """
    parents: list[Parent] = []
    for dependency in artifact.dependencies(registry, partition):
        if dependency.together:
            parents.append(Parent(name=f"{dependency.asset}[earlier]", content=contents.chain(dependency.asset, dependency.partitions)))
            continue
        for key in dependency.partitions:
            cell = Cell(artifact.recipe, dependency.asset, key)
            content = (contents.usable if dependency.optional else contents.get)(dependency.asset, key)
            if content is not None:
                parents.append(Parent(name=str(cell), content=content))
            elif not dependency.optional:
                raise FileNotFoundError(f"{artifact.cell(partition)}: its parent {cell} has not been made yet; run mill up, or select it too")
    config = artifact.config(partition)
    values = {} if config is None else config.model_dump(mode="json", by_alias=True)
    code_version = artifact.code_version_of(partition)
    return Identity(fingerprint(code_version, values, parents), code_version, values, parents)


def make(
    artifact: Artifact, partition: str | None, lake: Lake, home: Home, registry: Registry, launch: Launcher, observe: Callable[[dict[str, Any]], None]
) -> Manifest:
    """Build one cell and publish it."""
    cell = artifact.cell(partition)
    identity = identify(artifact, partition, registry, Contents(lake, registry, artifact.recipe))
    started = time.perf_counter()
    tell(Progress(cell, "begun"))
    with lake.draft(cell) as draft:
        artifact.build(Work(cell, artifact.config(partition), lake, home, registry, identity, draft, launch, observe))
        manifest = lake.publish(
            draft,
            code_version=identity.code_version,
            config=identity.config,
            parents=identity.parents,
            seconds=time.perf_counter() - started,
        )
    tell(Progress(cell, "made"))
    return manifest


def markdown_table(rows: list[dict[str, Any]]) -> str:
    """Return rows as a Markdown table, long values cut."""
    if not rows:
        return "no rows"

    def show(value: Any) -> str:
        text = " ".join(f"{value:.4g}".split() if isinstance(value, float) else str(value).split())
        text = text if len(text) <= SAMPLE_CHARS else text[: SAMPLE_CHARS - 1] + "…"
        return text.replace("|", "\\|").replace("<", "&lt;")

    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(show(row[name]) for name in names) + " |" for row in rows)])
