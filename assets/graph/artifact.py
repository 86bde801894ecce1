"""Artifacts: what persists, stated once and used by the planner and by Dagster alike.

An `Artifact` says what a cell is made from (`Upstream` values) and how. state.py tells what each cell would be made from now, making.py makes
and publishes it. The lake's manifests are the truth; Dagster's event log mirrors them (assets/orchestration).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic import BaseModel

from assets.graph.checks import CheckSuite
from assets.graph.upstream import Partition, Upstream
from assets.graph.waivers import Waiver
from kernels.specs.names import nearest
from resources.storage.manifest import Cell
from resources.storage.sources import Location, ObservedSources


class Partitioning(NamedTuple):
    """Into which cells an artifact falls."""

    name: str
    """Artifacts of one name have the same partitions."""
    keys: Callable[[ObservedSources], Sequence[str]]
    """In order."""


SHARDS = Partitioning("shards", lambda observed: observed.keys)
"""One cell a group of source files, in order of arrival."""


def by_name(name: str, keys: Sequence[str]) -> Partitioning:
    """Return a partitioning by names that the recipe gives."""
    fixed = tuple(keys)
    return Partitioning(name, lambda observed: fixed)


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
    code_version_by_partition: Callable[[Partition], str] | None = None
    """Where partitions are made by different code (each source has its own reader and filters)."""
    made_from: tuple[Upstream, ...]
    partitioning: Partitioning | None = None
    """None for an artifact of one cell."""
    config: Callable[[Partition], BaseModel | None] = lambda partition: None
    """What is computed, by partition."""
    build: Callable[[Any], None] | None = None
    """Makes one cell: takes a `assets.graph.build.CellBuild`."""
    build_together: Callable[[Sequence[Any]], dict[Partition, str]] | None = None
    """Makes many cells in one go, where that costs less than one by one: it publishes each that is done, and returns why others are not."""
    schema: pa.Schema | None = None
    uses_gpu: bool = False
    """Whether its cells are made in a process of their own that holds a device."""
    owner: str | None = None
    stale_after_hours: int | None = None

    @property
    def upstream(self) -> tuple[str, ...]:
        """Names of the assets and files it hangs on, for lineage."""
        return tuple(dict.fromkeys(upstream.asset for upstream in self.made_from))

    def code_version_of(self, partition: Partition) -> str:
        """Return the version of the code that makes one cell."""
        if partition is None or self.code_version_by_partition is None:
            return self.code_version
        return self.code_version_by_partition(partition)

    def partitions(self, observed: ObservedSources) -> Sequence[Partition]:
        """Return the keys of its cells, in order."""
        return (None,) if self.partitioning is None else self.partitioning.keys(observed)

    def cell(self, partition: Partition) -> Cell:
        """Return one of its cells."""
        return Cell(self.recipe, self.name, partition)


STAGES = ("corpus", "tokens", "models", "evals")
"""What the names of assets begin with, in the order of their making."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """All artifacts of one recipe, parents before children, their checks, and the files they start from."""

    recipe: str
    artifacts: dict[str, Artifact]
    suites: dict[str, list[CheckSuite]]
    """By asset."""
    sources: dict[str, Location]
    inputs: dict[str, Location]
    absent: Callable[[], set[str]] = set
    """Names the sources and inputs whose embedded data sets are not there yet."""
    prepare: Callable[[], None] = lambda: None
    """Makes those data sets."""
    waivers: tuple[Waiver, ...] = ()
    """What the recipe decides over single cells."""
    keep_versions: int = 2
    """Versions of a cell that are kept, the standing one among them."""

    def until(self, stage: str) -> set[str]:
        """Return an asset, or all of a stage (``corpus``, ``tokens``, ``models``, ``evals``) and of those before it, and all that they hang on.

        Raises:
            ValueError: there is none of that name (names the nearest).
        """
        names = [name for name in self.artifacts if name == stage or name.startswith(f"{stage}/")]
        if not names:
            stages = {name.partition("/")[0] for name in self.artifacts}
            raise ValueError(f"no stage or asset is named {stage!r}; {nearest(stage, sorted(stages | set(self.artifacts)))}")
        before = STAGES[: STAGES.index(stage)] if stage in STAGES else ()
        return self.upstream([*names, *(name for name in self.artifacts if name.partition("/")[0] in before)])

    def downstream(self, names: Iterable[str]) -> set[str]:
        """Return the names and all that hangs on them."""
        reached = set(names)
        for artifact in self.artifacts.values():
            if reached.intersection(artifact.upstream):
                reached.add(artifact.name)
        return reached

    def upstream(self, names: Iterable[str]) -> set[str]:
        """Return the names and all that they hang on, files aside."""
        reached = set(names)
        for artifact in reversed(self.artifacts.values()):
            if artifact.name in reached:
                reached.update(name for name in artifact.upstream if name in self.artifacts)
                reached.update(read.asset for suite in self.suites.get(artifact.name, []) for read in suite.reads if read.asset in self.artifacts)
        return reached
