"""The search for first matches through the vectors of partitions: within a cluster, every pair is compared, block by block."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.deduplication.arrow_files import fixed_values, map_checked
from kernels.curation.deduplication.chains import I64, Matches, partitions_and_rows, places_of
from kernels.curation.deduplication.meaning.config import SemanticConfig, index_config

_BLOCK = 1024  # vectors a side: a block of cosines takes 8 MB


class VectorIndex(NamedTuple):
    """The mapped vectors of one partition of N documents."""

    ids: Any
    """A chunked array of N strings."""
    vectors: NDArray[np.int8]
    """[N, D]."""
    codes: NDArray[np.uint16]
    """[N, num_tables]."""


def open_vectors(folder: Path, config: SemanticConfig) -> VectorIndex:
    """Return the index of a folder.

    Raises:
        ValueError: it was made with another config.
    """
    table = map_checked(folder / "vectors.arrow", "semantic", index_config(config))
    num_dimensions = int(table.schema.metadata[b"dimensions"])
    vectors = fixed_values(table["vector"], num_dimensions, "i1")
    return VectorIndex(table["id"], vectors, fixed_values(table["codes"], config.num_tables, "<u2"))


class SemanticSearch:
    """What documents match first, over the vectors of partitions in order of arrival."""

    def __init__(self, folders: Sequence[Path], config: SemanticConfig) -> None:
        self._folders = folders
        self._config = config

    def ids(self, partition: int) -> Any:
        """Return a partition's ids, a chunked array."""
        return self._open(partition).ids

    def match_last(self) -> Matches:
        """Return the matches of all documents of the last partition."""
        last = len(self._folders) - 1
        index = self._open(last)
        return self._match(places_of(last, np.arange(len(index.vectors))), index.vectors, index.codes)

    def match(self, places: I64) -> Matches:
        """Return the matches of documents at ascending places."""
        partitions, rows = partitions_and_rows(places)
        taken = [(self._open(partition), rows[partitions == partition]) for partition in np.unique(partitions).tolist()]
        vectors = np.concatenate([index.vectors[here] for index, here in taken])
        codes = np.concatenate([index.codes[here] for index, here in taken])
        return self._match(places, vectors, codes)

    def _open(self, partition: int) -> VectorIndex:
        return open_vectors(self._folders[partition], self._config)

    def _match(self, places: I64, vectors: NDArray[np.int8], codes: NDArray[np.uint16]) -> Matches:
        partitions, rows = partitions_and_rows(places)
        firsts = np.full(len(places), -1, np.int64)
        similarities = np.zeros(len(places))
        for partition in range(int(partitions[-1]) + 1 if len(places) else 0):
            index = self._open(partition)
            active = np.flatnonzero((firsts < 0) & (partitions >= partition))
            limits = np.where(partitions[active] == partition, rows[active], len(index.vectors))
            lowest = self._lowest_rows(vectors[active], codes[active], limits, index)
            found = lowest < limits
            firsts[active[found]] = places_of(partition, lowest[found])
            similarities[active[found]] = _cosine_pairs(vectors[active[found]], index.vectors[lowest[found]])
        matched = np.flatnonzero(firsts >= 0)
        return Matches(places[matched], firsts[matched], np.full(len(matched), "semantic"), similarities[matched])

    def _lowest_rows(self, vectors: NDArray[np.int8], codes: NDArray[np.uint16], limits: I64, index: VectorIndex) -> I64:
        """Return for each vector the first row below its limit that is near enough, or its limit."""
        lowest = limits.copy()
        for table in range(self._config.num_tables):
            for mine, theirs in _same_cluster(codes[:, table], index.codes[:, table]):
                for begin in range(0, len(mine), _BLOCK):
                    block = mine[begin : begin + _BLOCK]
                    lowest[block] = self._lowest_in(vectors[block], lowest[block], theirs, index.vectors)
        return lowest

    def _lowest_in(self, vectors: NDArray[np.int8], lowest: I64, theirs: I64, others: NDArray[np.int8]) -> I64:
        """Return the first of their rows (ascending) below ``lowest`` that is near enough to each vector, or ``lowest``."""
        for begin in range(0, len(theirs), _BLOCK):
            rows = theirs[begin : begin + _BLOCK]
            if rows[0] >= lowest.max():
                break
            near = (_cosines(vectors, others[rows]) >= self._config.min_cosine) & (rows < lowest[:, None])
            lowest = np.where(near.any(axis=1), rows[near.argmax(axis=1)], lowest)
        return lowest


def _same_cluster(left: NDArray[np.uint16], right: NDArray[np.uint16]) -> Iterator[tuple[I64, I64]]:
    """Yield the rows of each side (ascending) that have one code, for all codes that both have."""
    left_order, right_order = np.argsort(left, kind="stable"), np.argsort(right, kind="stable")
    left_sorted, right_sorted = left[left_order], right[right_order]
    for code in np.intersect1d(left, right):
        mine = left_order[np.searchsorted(left_sorted, code) : np.searchsorted(left_sorted, code, side="right")]
        theirs = right_order[np.searchsorted(right_sorted, code) : np.searchsorted(right_sorted, code, side="right")]
        yield mine, theirs


def _squares(vectors: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return squared lengths; those of zero count as one, for a cosine of zero to all."""
    return np.maximum(np.square(vectors.astype(np.int64)).sum(axis=1), 1).astype(np.float64)


def _cosines(left: NDArray[np.int8], right: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the cosines of all pairs: products are exact integers below 2**24 for vectors of up to 1,040 dimensions."""
    products = (left.astype(np.float32) @ right.astype(np.float32).T).astype(np.float64)
    return products / np.sqrt(_squares(left)[:, None] * _squares(right)[None, :])


def _cosine_pairs(left: NDArray[np.int8], right: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the cosine of each vector to its match."""
    products = (left.astype(np.int64) * right.astype(np.int64)).sum(axis=1).astype(np.float64)
    return products / np.sqrt(_squares(left) * _squares(right))
