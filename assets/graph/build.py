"""Making a cell: what its builder reads and where it writes, and publishing what it wrote."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from assets.graph.artifact import Artifact
from assets.graph.metadata import plot, rows_markdown
from assets.graph.state import GraphState, Identity
from assets.graph.upstream import Partition
from resources.devices.inference import Inference
from resources.devices.launchers import Launcher
from resources.devices.nodes import Starter
from resources.devices.provenance import commit, device, libraries, python
from resources.storage.faults import fault_in_words
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, Manifest, Provenance
from resources.storage.progress import Progress, tell
from resources.storage.publishing import Draft, MadeFrom, publish
from resources.storage.sources import Location, ObservedSources, digest_of
from resources.storage.tables import TableWriter, read_table, read_tables, write_table

SAMPLE_ROWS = 5


class Workplace(NamedTuple):
    """Where and by what means cells are made. None of it changes a byte of them."""

    home: Home
    launch: Launcher
    observe: Callable[[dict[str, Any]], None]
    """Takes the numbers that a running job reports."""
    starter: Starter | None = None
    """Has other machines join a job that asks for several; None where somebody does."""
    inference: Inference = Inference()
    """What answers in evals."""


Failure = BaseException | str
"""Why a cell was not made."""


def reason_of(failure: Failure) -> str:
    """Return a failure in words."""
    if isinstance(failure, str):
        return failure
    return fault_in_words(failure) or f"{type(failure).__name__}: {failure}"


@dataclass(frozen=True)
class CellBuild:
    """One cell being made: what it is made from, and its draft."""

    artifact: Artifact
    partition: Partition
    state: GraphState
    identity: Identity
    place: Workplace
    draft: Draft
    published: list[Manifest] = field(default_factory=list[Manifest])
    """The cell, once it stands."""
    failures: list[Failure] = field(default_factory=list[Failure])
    """Why it does not."""

    @property
    def cell(self) -> Cell:
        """The cell."""
        return self.draft.cell

    @property
    def config(self) -> Any:
        """What is computed."""
        return self.artifact.config(self.partition)

    @property
    def lake(self) -> Lake:
        """The lake."""
        return self.state.lake

    @property
    def observed(self) -> ObservedSources:
        """The sources as they stood when the cell was begun."""
        return self.state.observed

    @property
    def key(self) -> str:
        """The partition's key, for partitioned artifacts."""
        if self.partition is None:
            raise ValueError(f"{self.cell.asset} has no partitions")
        return self.partition

    # --- reading: versions that stood when the cell was begun, whatever is published meanwhile ---

    def manifest(self, asset: str, partition: Partition = None) -> Manifest:
        """Return the manifest of another cell."""
        found = self.state.manifest(asset, partition)
        if found is None:
            raise FileNotFoundError(f"{Cell(self.cell.recipe, asset, partition)} has not been made yet; run mill up, or select it too")
        return found

    def folder(self, asset: str, partition: Partition = None) -> Path:
        """Return the folder of another cell."""
        manifest = self.manifest(asset, partition)
        return self.lake.folder(manifest.cell, manifest.version)

    def table(self, asset: str, name: str, partition: Partition = None) -> pa.Table:
        """Read a table of another cell."""
        return read_table(self.folder(asset, partition) / f"{name}.parquet")

    def tables(self, asset: str, name: str, partition: Partition = None) -> Iterator[pa.Table]:
        """Read a table of another cell piece by piece."""
        return read_tables(self.folder(asset, partition) / f"{name}.parquet")

    def usable(self, asset: str) -> list[str]:
        """Return the active partitions, in order of arrival, of which an asset has a cell that others may be made from."""
        return [key for key in self.observed.keys if self.state.usable(asset, key) is not None]

    def verified_input(self, name: str, location: Location) -> Path:
        """Return the path of an input's files, which are read and compared with what was observed of them.

        Raises:
            ValueError: a file is not what it was.
        """
        for file in self.observed.inputs[name].files:
            if digest_of(location, file.path) != file.digest:
                raise ValueError(f"{location.root}: {file.path} has changed since it was looked at; run mill up again")
        return Path(location.root)

    # --- writing ---

    @property
    def scratch(self) -> Path:
        """A folder that outlives a killed run; it goes when the cell stands."""
        return self.place.home.scratch(self.cell, self.identity.fingerprint)

    def write(self, name: str, table: pa.Table, *, main: bool = False) -> None:
        """Write a table into the draft. The main one gives the row count and the sample."""
        write_table(self.draft.folder / f"{name}.parquet", table)
        if main:
            self.draft.num_rows = table.num_rows
            self.draft.metadata["sample"] = rows_markdown(table.slice(0, SAMPLE_ROWS).to_pylist())

    def writer(self, name: str, schema: pa.Schema) -> TableWriter:
        """Write a table into the draft piece by piece."""
        return TableWriter(self.draft.folder / f"{name}.parquet", schema)

    def write_plot(self, name: str, image: bytes) -> None:
        """Write a PNG into the draft, which tells of the content and is no part of it, and show it."""
        (self.draft.folder / f"{name}.png").write_bytes(image)
        self.draft.unhashed.append(f"{name}.png")
        self.draft.metadata[name] = plot(f"{name}.png")

    @property
    def device(self) -> str:
        """What computes the cell."""
        return self.draft.device or device(self.artifact.uses_gpu)

    def tell(self, message: str, step: int = 0, num_steps: int = 0) -> None:
        """Report progress within the cell."""
        tell(Progress(self.cell, "advanced", message, step, num_steps))

    def publish(self) -> None:
        """Make the draft the cell. Scratch goes only then."""
        made_from = MadeFrom(
            code_version=self.identity.code_version,
            config=self.identity.config,
            parents=self.identity.parents,
            seed=_seed(self.identity.config),
            provenance=Provenance(commit=commit(), python=python(), libraries=libraries(), device=self.device),
        )
        self.published.append(publish(self.lake, self.draft, made_from))
        self.place.home.remove_scratch(self.cell, self.identity.fingerprint)
        tell(Progress(self.cell, "made"))


class Judging(NamedTuple):
    """What a judge of a check may read."""

    state: GraphState
    home: Home

    @property
    def lake(self) -> Lake:
        """The lake."""
        return self.state.lake

    def manifest(self, cell: Cell) -> Manifest:
        """Return the manifest of a cell that is judged or read."""
        found = self.state.manifest(cell.asset, cell.partition)
        return found if found is not None else self.lake.require(cell)

    def folder(self, cell: Cell) -> Path:
        """Return the folder of a cell."""
        return self.lake.folder(cell, self.manifest(cell).version)

    def table(self, cell: Cell, name: str) -> pa.Table:
        """Read a table of a cell."""
        return read_table(self.folder(cell) / f"{name}.parquet")


def _seed(config: Any) -> int | None:
    """Return the seed that a config holds, at whatever depth: the outermost."""
    level = [config]
    while level:
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                if isinstance(value.get("seed"), int):
                    return value["seed"]
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        level = inner
    return None
