"""The search for first matches through the signature indexes of partitions, one index at a time, in order of arrival."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.deduplication.chains import I64, Matches, partitions_and_rows, places_of
from kernels.curation.deduplication.hash_index import HashIndex
from kernels.curation.deduplication.loops.look_ups import lower_matches, resemblances
from kernels.curation.deduplication.minhash import MAX_SHINGLES, MinHashConfig, Shingles, Signed
from kernels.curation.deduplication.signature_index import SignatureIndex, hash_keys, open_signature_index


class _Index(NamedTuple):
    """What the compiled loops take of a `SignatureIndex`."""

    hashes: HashIndex
    exact: NDArray[np.uint64]
    signature: NDArray[np.uint32]
    shingles: Shingles


class _Queries(NamedTuple):
    """Q documents and their M keys, ascending, with the query of each key and how many comparisons each has left."""

    places: I64
    signed: Signed
    keys: NDArray[np.uint64]
    owners: NDArray[np.uint32]
    budgets: NDArray[np.uint32]


class SignatureSearch:
    """What documents match first, over the index folders of partitions in order of arrival."""

    def __init__(self, folders: Sequence[Path], config: MinHashConfig, min_similarity: float, max_candidates: int) -> None:
        self._folders = folders
        self._config = config
        # A pair at the bar itself has fewer equal hashes than that once in a thousand times; the margin is for rounding.
        error = math.sqrt(min_similarity * (1 - min_similarity) / config.num_hashes)
        num_plausible = math.ceil((min_similarity - 3 * error) * config.num_hashes - 1e-9)
        self._bar = (min_similarity, num_plausible, MAX_SHINGLES)
        self._max_candidates = max_candidates

    def ids(self, partition: int) -> Any:
        """Return a partition's ids, a chunked array."""
        return self._open(partition).ids

    def match_last(self) -> Matches:
        """Return the matches of all documents of the last partition."""
        last = len(self._folders) - 1
        index = self._open(last)
        return self._match(places_of(last, np.arange(len(index.exact))), Signed(index.exact, index.signature, index.shingles))

    def match(self, places: I64) -> Matches:
        """Return the matches of documents at ascending places."""
        partitions, rows = partitions_and_rows(places)
        indexes = [(self._open(partition), rows[partitions == partition]) for partition in np.unique(partitions).tolist()]
        sets = [index.shingles.take(chosen) for index, chosen in indexes]
        lengths = np.concatenate([np.zeros(1, np.int64), *(np.diff(shingles.offsets) for shingles in sets)])
        signed = Signed(
            np.concatenate([np.zeros(0, np.uint64), *(index.exact[chosen] for index, chosen in indexes)]),
            np.concatenate([np.zeros((0, self._config.num_hashes), np.uint32), *(index.signature[chosen] for index, chosen in indexes)]),
            Shingles(np.concatenate([np.zeros(0, np.uint32), *(shingles.values for shingles in sets)]), np.cumsum(lengths)),
        )
        return self._match(places, signed)

    def _open(self, partition: int) -> SignatureIndex:
        return open_signature_index(self._folders[partition], self._config)

    def _match(self, places: I64, signed: Signed) -> Matches:
        keys = hash_keys(signed.exact, signed.signature, self._config)
        order = np.argsort(keys, axis=None)
        owners = (order // keys.shape[1]).astype(np.uint32)
        budgets = np.full(len(order), self._max_candidates, np.uint32)
        queries = _Queries(places, signed, keys.ravel()[order], owners, budgets)
        firsts = np.full(len(places), -1, np.int64)
        similarities = np.zeros(len(places))
        same_text = np.zeros(len(places), bool)
        last = int(places[-1] >> 32) if len(places) else -1
        for partition in range(last + 1):
            opened = self._open(partition)
            index = _Index(opened.hashes, opened.exact, opened.signature, opened.shingles)
            rows = self._lowest_rows(queries, partition, index, firsts)
            new = np.flatnonzero(rows >= 0)
            firsts[new] = places_of(partition, rows[new])
            same_text[new] = index.exact[rows[new]] == signed.exact[new]
            similarities[new] = resemblances(new, rows[new], signed, index, MAX_SHINGLES)
        found = np.flatnonzero(firsts >= 0)
        kinds = np.where(same_text[found], "exact", "minhash")
        return Matches(places[found], firsts[found], kinds, np.where(same_text[found], 1.0, similarities[found]))

    def _lowest_rows(self, queries: _Queries, partition: int, index: _Index, firsts: I64) -> I64:
        """Return for each query the first row of a partition that it matches, -1 where none does or an earlier partition had one."""
        partitions, rows = partitions_and_rows(queries.places)
        limits = np.where(partitions == partition, rows, np.where(partitions > partition, len(index.exact), 0))
        limits[firsts >= 0] = 0
        lowest = limits.copy()
        lower_matches(queries.keys, queries.owners, queries.signed, index, self._bar, queries.budgets, lowest)
        return np.where(lowest < limits, lowest, -1)
