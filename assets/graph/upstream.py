"""What a cell is made from, as values: cells of an asset, chosen by the partition that is made.

The same values tell lineage (`Upstream.asset`), the parents that a fingerprint is made of, and what a judge of a check reads.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from resources.storage.sources import ObservedSources

Partition = str | None
Chooser = Callable[[ObservedSources, Partition], tuple[Partition, ...]]


@dataclass(frozen=True)
class Upstream:
    """Cells of one asset that a cell is made from."""

    asset: str
    """``corpus/filtered``, or ``sources/NAME`` and ``inputs/NAME`` for files."""
    choose: Chooser
    optional: bool = False
    """Whether cells that cannot be used (missing, stopped by a check) are left out instead of stopping this one."""
    counted: Literal["each", "in_order", "as_set"] = "each"
    """How they enter the fingerprint: each by name and content; as one digest of contents in order; or as the set of their contents, so
    that neither names nor order count."""

    def of(self, sources: Collection[str]) -> "Upstream":
        """Return the same for partitions of some sources only; others are not made from it."""
        inner = self.choose
        return replace(self, choose=lambda observed, partition: inner(observed, partition) if source_of(partition) in sources else ())


def source_of(partition: Partition) -> str:
    """Return the source of a partition's key (``source.snapshot.NNN``)."""
    return str(partition).split(".", 1)[0]


def same(asset: str) -> Upstream:
    """Return the cell of another asset with the same partition."""
    return Upstream(asset, lambda observed, partition: (partition,))


def whole(asset: str) -> Upstream:
    """Return an asset without partitions."""
    return Upstream(asset, lambda observed, partition: (None,))


def files_of(sources: Sequence[str]) -> tuple[Upstream, ...]:
    """Return the files of the partition itself, whichever of the sources it is of."""
    return tuple(same(f"sources/{source}").of({source}) for source in sources)


def passed_over(sources: Sequence[str]) -> tuple[Upstream, ...]:
    """Return what is passed over of some sources: names and counts of the files that nothing reads."""
    return tuple(whole(f"sources/{source}") for source in sources)


def every(asset: str, sources: Collection[str] | None = None) -> Upstream:
    """Return all usable partitions of an asset, those of some sources where any are given."""
    return Upstream(asset, lambda observed, partition: observed.keys if sources is None else observed.keys_of(sources), optional=True)


def first(asset: str, sources: Sequence[str], count: int) -> Upstream:
    """Return the first active partitions of each source, so that what is made of them stays as it is when data arrives."""

    def choose(observed: ObservedSources, partition: Partition) -> tuple[Partition, ...]:
        return tuple(key for source in sources for key in observed.keys_of({source})[:count])

    return Upstream(asset, choose, optional=True)


def up_to(asset: str, bounds: Mapping[str, int | None]) -> Upstream:
    """Return the usable partitions of some sources, of each those among so many that came first (None: all)."""
    return Upstream(asset, lambda observed, partition: observed.first_keys(bounds), optional=True)


def earlier(asset: str) -> Upstream:
    """Return the usable partitions that arrived before the one that is made, as one digest."""

    def choose(observed: ObservedSources, partition: Partition) -> tuple[Partition, ...]:
        return observed.keys[: observed.positions[str(partition)]]

    return Upstream(asset, choose, optional=True, counted="in_order")


def earlier_of_source(asset: str) -> Upstream:
    """Return the usable partitions of the same source that arrived before the one that is made, as one digest."""

    def choose(observed: ObservedSources, partition: Partition) -> tuple[Partition, ...]:
        keys = observed.keys_of({source_of(partition)})
        return keys[: keys.index(str(partition))]

    return Upstream(asset, choose, optional=True, counted="in_order")


def named(asset: str, names: Sequence[str]) -> Upstream:
    """Return the partitions of an asset with some names."""
    chosen = tuple(names)
    return Upstream(asset, lambda observed, partition: chosen)


def as_set(upstream: Upstream) -> Upstream:
    """Return the same cells, counted as the set of their contents."""
    return replace(upstream, counted="as_set")
