"""From first matches to clusters: a document's match may be a duplicate itself, and the document kept is where the chain begins.

A document's place is its partition's number (by order of arrival) and its row there, as one integer: places compare as documents arrived.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

I64 = NDArray[np.int64]

DUPLICATES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the duplicate"}),
        pa.field("kept_id", pa.string(), nullable=False, metadata={"description": "the first document of its cluster, which was kept"}),
        pa.field("first_id", pa.string(), nullable=False, metadata={"description": "the first document that it matches, dropped or not"}),
        pa.field("kind", pa.string(), nullable=False, metadata={"description": "exact, minhash or semantic"}),
        pa.field("similarity", pa.float64(), nullable=False, metadata={"description": "similarity to its first match, by its kind's measure"}),
    ]
)
_ROW_BITS = 32


class Matches(NamedTuple):
    """Documents that match an earlier one, in order: their places (M), those of their first matches, kinds (str) and similarities."""

    places: I64
    firsts: I64
    kinds: NDArray[np.str_]
    similarities: NDArray[np.float64]


def places_of(partition: int, rows: NDArray[Any]) -> I64:
    """Return the places of rows of a partition."""
    return (np.int64(partition) << _ROW_BITS) + rows.astype(np.int64)


def partitions_and_rows(places: I64) -> tuple[I64, I64]:
    """Return the partition numbers and rows of places."""
    return places >> _ROW_BITS, places & ((1 << _ROW_BITS) - 1)


def duplicates_table(own: Matches, search: Callable[[I64], Matches], ids: Callable[[int], Any]) -> pa.Table:
    """Return the duplicates (schema `DUPLICATES`) that the matches of the last partition make.

    ``search`` finds the matches of any earlier places: asked as often as chains of earlier duplicates are long. ``ids`` gives a
    partition's ids, a chunked array.
    """
    firsts: dict[int, int] = dict(zip(own.places.tolist(), own.firsts.tolist(), strict=True))
    begin = int(own.places[0]) >> _ROW_BITS << _ROW_BITS if len(own.places) else 0
    asked = set(firsts)
    pending = {place for place in firsts.values() if place < begin}
    while pending:
        found = search(np.array(sorted(pending), np.int64))
        asked |= pending
        firsts |= dict(zip(found.places.tolist(), found.firsts.tolist(), strict=True))
        pending = set(found.firsts.tolist()) - asked
    roots = _roots(firsts, own.places)
    columns: list[Any] = [
        *(_ids_at(places, ids) for places in (own.places, roots, own.firsts)),
        pa.array(own.kinds.tolist(), pa.string()),
        pa.array(own.similarities, pa.float64()),
    ]
    return pa.Table.from_arrays(columns, schema=DUPLICATES)


def _roots(firsts: dict[int, int], wanted: I64) -> I64:
    """Follow each place to where its chain begins; matches lie before what they match, so that one pass in order is enough."""
    roots: dict[int, int] = {}
    for place in sorted(firsts):
        first = firsts[place]
        roots[place] = roots.get(first, first)
    return np.array([roots[place] for place in wanted.tolist()], np.int64)


def _ids_at(places: I64, ids: Callable[[int], Any]) -> Any:
    """Return the ids at places, an array of strings, one partition at a time."""
    partitions, rows = partitions_and_rows(places)
    chunks: list[Any] = [pa.array([], pa.string())]
    for partition in np.unique(partitions).tolist():
        chunks += ids(partition).take(pa.array(rows[partitions == partition])).cast(pa.string()).chunks
    gathered: Any = pa.concat_arrays(chunks)
    # Gathered partition by partition; back to the order of the places.
    return gathered.take(pa.array(np.argsort(np.argsort(partitions, kind="stable"), kind="stable")))


def clusters(duplicates: "pl.LazyFrame") -> "pl.DataFrame":
    """Return one row a cluster of N duplicates (columns of `DUPLICATES`, of all partitions), the largest first.

    Columns: kept_id; documents, the kept one included; how many of the others are exact, minhash and semantic; their least similarity.
    """
    import polars as pl

    kinds = [(pl.col("kind") == kind).sum().alias(kind) for kind in ("exact", "minhash", "semantic")]
    sized = duplicates.group_by("kept_id").agg(pl.len().add(1).alias("documents"), *kinds, pl.col("similarity").min().alias("least_similarity"))
    return sized.sort(["documents", "kept_id"], descending=[True, False]).collect()


def deduplicate(documents: pa.Table, duplicates: pa.Table) -> pa.Table:
    """Return the documents that are no duplicates, in order."""
    dropped = set(duplicates["id"].to_pylist())
    keep: Any = pa.array([key not in dropped for key in documents["id"].to_pylist()], pa.bool_())
    return documents.filter(keep)
