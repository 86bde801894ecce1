"""Duplicates within a partition and against all earlier ones: first come, first kept.

A document is a duplicate when any document before it (earlier tables in order, then its own table's earlier rows, dropped or not) has the
same normalised text, or shares a MinHash band and an estimated Jaccard similarity of at least ``min_similarity``. So what is kept
depends only on the order of documents, never on how they were cut into partitions, and old partitions never change.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from kernels.deduplication.exact import normalised_hashes
from kernels.deduplication.minhash import MinHashConfig, band_hashes, normalised_signatures
from kernels.filters.words import mix, normalise
from kernels.specs import Config

SIGNATURES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the document's id"}),
        pa.field("exact", pa.uint64(), nullable=False, metadata={"description": "hash of the normalised text"}),
        pa.field("bands", pa.binary(), nullable=False, metadata={"description": "a hash a band, little-endian uint64"}),
        pa.field("signature", pa.binary(), nullable=False, metadata={"description": "minimum hashes, little-endian uint32"}),
    ]
)
DUPLICATES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the duplicate"}),
        pa.field("kept_id", pa.string(), nullable=False, metadata={"description": "the first document of its cluster"}),
        pa.field("kind", pa.string(), nullable=False, metadata={"description": "exact or minhash"}),
        pa.field("similarity", pa.float64(), nullable=False, metadata={"description": "estimated Jaccard similarity to its match"}),
    ]
)
_MAX_PAIRS = 1 << 19

I64 = NDArray[np.int64]


class DedupConfig(Config):
    """How alike two documents must be for the later one to go."""

    minhash: MinHashConfig
    """Shape of the signatures."""
    min_similarity: float = Field(gt=0, le=1)
    """Least estimated Jaccard similarity of shingle sets; Lee et al. 2021 take 0.8."""


class _Rows(NamedTuple):
    """Rows of all tables in order; own rows are the last."""

    ids: Any
    """A chunked array of strings (N)."""
    exact: NDArray[np.uint64]
    bands: NDArray[np.uint64]
    signature: NDArray[np.uint32]


def signature_table(documents: pa.Table, config: DedupConfig) -> pa.Table:
    """Return one row of schema `SIGNATURES` a document, in order."""
    import polars as pl

    texts = normalise(cast(pl.Series, pl.from_arrow(documents["text"])))  # pyright: ignore[reportUnknownMemberType]
    signature = normalised_signatures(texts, config.minhash)
    bands = band_hashes(signature, config.minhash)
    columns: list[Any] = [documents["id"], pa.array(normalised_hashes(texts)), _pack(bands, "<u8"), _pack(signature, "<u4")]
    return pa.Table.from_arrays(columns, names=SIGNATURES.names).cast(SIGNATURES)


def _pack(values: NDArray[Any], dtype: str) -> Any:
    """Return [N, W] values as an array of N binaries."""
    width = values.shape[1] * values.dtype.itemsize
    packed = pa.py_buffer(np.ascontiguousarray(values, dtype=dtype).tobytes())
    fixed: Any = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(values), [None, packed])  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return fixed.cast(pa.binary())


def _unpack(column: Any, width: int, dtype: str) -> NDArray[Any]:
    """Return a chunked array of N binaries as [N, width] values."""
    parts: list[NDArray[Any]] = [np.zeros(0, dtype)]
    for chunk in column.chunks:
        _, places, data = chunk.buffers()
        ends = np.frombuffer(places, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        if not bool(np.all(np.diff(ends) == width * np.dtype(dtype).itemsize)):
            raise ValueError(f"signatures were made with another config (not {width} values a row): compute them anew")
        if len(chunk):
            parts.append(np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].view(dtype))
    return np.concatenate(parts).reshape(len(column), width)


def _stack(tables: Sequence[pa.Table], config: MinHashConfig) -> _Rows:
    table = pa.concat_tables([table.cast(SIGNATURES) for table in tables])
    bands = _unpack(table["bands"], config.num_buckets, "<u8")
    signature = _unpack(table["signature"], config.num_hashes, "<u4")
    return _Rows(table["id"], table["exact"].to_numpy(), bands, signature)


def _first_equal(keys: NDArray[np.uint64]) -> I64:
    """Return for each key the first place that holds it."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first[inverse]


def _candidates(bands: NDArray[np.uint64], wanted: NDArray[np.bool_]) -> tuple[I64, I64, I64]:
    """Return members of the band groups, and for each place of a wanted member that is not a group's first: the place and that first.

    ``bands`` is [C, B]. Members (class numbers) lie group by group, ascending within each.
    """
    flat = bands.ravel()
    order = np.argsort(flat, kind="stable")
    members = order // bands.shape[1]
    is_first = np.ones(len(flat), bool)
    is_first[1:] = flat[order[1:]] != flat[order[:-1]]
    starts = np.maximum.accumulate(np.where(is_first, np.arange(len(flat)), 0))
    places = np.flatnonzero(~is_first & wanted[members])
    return members, places, starts[places]


def _first_similar(rows: _Rows, classes: I64, wanted: NDArray[np.bool_], min_similarity: float) -> I64:
    """Return for each class (its row is classes[i], ascending) the number of the first class that it matches, often itself.

    Only wanted classes are searched. Each band group is walked from its first member, in steps that double, and no further than the
    best match so far.
    """
    best = np.arange(len(classes))
    members, places, upcoming = _candidates(rows.bands[classes], wanted)
    width = 1
    while len(places):
        steps = np.minimum(places - upcoming, width)
        cuts = np.searchsorted(np.cumsum(steps), np.arange(_MAX_PAIRS, int(steps.sum()), _MAX_PAIRS))
        for part in np.split(np.arange(len(places)), cuts):
            counts = steps[part]
            left = np.repeat(members[places[part]], counts)
            right = members[np.repeat(upcoming[part] - np.cumsum(counts) + counts, counts) + np.arange(len(left))]
            alike = _similarity(rows, classes[left], classes[right]) >= min_similarity
            np.minimum.at(best, left[alike], right[alike])
        upcoming = upcoming + steps
        going = (upcoming < places) & (members[upcoming] < best[members[places]])
        places, upcoming, width = places[going], upcoming[going], min(2 * width, 1024)
    return best


def _similarity(rows: _Rows, left: I64, right: I64) -> NDArray[np.float64]:
    """Return the estimated Jaccard similarity of pairs: the share of equal minimum hashes."""
    return (rows.signature[left] == rows.signature[right]).mean(axis=1)


def find_duplicates(own: pa.Table, earlier: Sequence[pa.Table], config: DedupConfig) -> pa.Table:
    """Return own documents that an earlier one matches (schema `DUPLICATES`), in order.

    ``own`` and ``earlier`` are of schema `SIGNATURES`. ``similarity`` is to the first match; ``kept_id`` is that match, or where it is an
    own duplicate too, the document that it duplicates in turn.

    Raises:
        ValueError: a table's signatures were made with another config.
    """
    rows = _stack([*earlier, own], config.minhash)
    num_earlier = len(rows.exact) - len(own)
    exact = _first_equal(rows.exact)
    # Equal signatures match the same documents, so only the first row of each distinct signature is searched for and found.
    same = _first_equal(_fold(rows.bands))
    classes, class_of_row = np.unique(same, return_inverse=True)
    wanted = np.zeros(len(classes), bool)
    wanted[class_of_row[num_earlier:]] = True
    near = classes[_first_similar(rows, classes, wanted, config.min_similarity)][class_of_row]
    match = np.minimum(exact, near)
    found = np.flatnonzero(match[num_earlier:] < np.arange(num_earlier, len(match))) + num_earlier
    kinds = np.where(exact[found] == match[found], "exact", "minhash")
    columns: list[Any] = [
        rows.ids.take(pa.array(found)),
        rows.ids.take(pa.array(_roots(found, match[found]), pa.int64())),
        pa.array(kinds.tolist(), pa.string()),
        pa.array(_similarity(rows, found, match[found])),
    ]
    return pa.Table.from_arrays(columns, names=DUPLICATES.names).cast(DUPLICATES)


def _fold(bands: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return one hash of all bands of each row."""
    folded = np.zeros(len(bands), np.uint64)
    for column in bands.T:
        folded = mix(folded ^ column)
    return folded


def _roots(found: I64, match: I64) -> list[int]:
    """Follow each match to the first document of its chain."""
    roots: dict[int, int] = {}
    pairs: list[list[int]] = np.column_stack([found, match]).tolist()
    for row, first in pairs:
        roots[row] = roots.get(first, first)
    return list(roots.values())


def deduplicate(documents: pa.Table, duplicates: pa.Table) -> pa.Table:
    """Return the documents that are no duplicates, in order."""
    ids = set(duplicates["id"].to_pylist())
    return documents.filter(pa.array([key not in ids for key in documents["id"].to_pylist()], pa.bool_()))
