"""The search for first matches through the signature indexes of partitions, one index at a time, in order of arrival."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.deduplication.chains import I64, Matches, partitions_and_rows, places_of
from kernels.curation.deduplication.loops.look_ups import lower_matches
from kernels.curation.deduplication.minhash import MinHashConfig
from kernels.curation.deduplication.signature_index import SignatureIndex, hash_keys, open_signature_index


class _Queries(NamedTuple):
    """Q documents and their M keys, ascending, with the query of each key and how many comparisons each has left."""

    places: I64
    exact: NDArray[np.uint64]
    signature: NDArray[np.uint32]
    keys: NDArray[np.uint64]
    owners: NDArray[np.uint32]
    budgets: NDArray[np.uint32]


class SignatureSearch:
    """What documents match first, over the index folders of partitions in order of arrival."""

    def __init__(self, folders: Sequence[Path], config: MinHashConfig, min_similarity: float, max_candidates: int) -> None:
        self._folders = folders
        self._config = config
        # Shares of equal hashes are multiples of 1 / num_hashes; the margin keeps 0.8 * 10 from asking for nine.
        self._num_needed = math.ceil(min_similarity * config.num_hashes - 1e-9)
        self._max_candidates = max_candidates

    def ids(self, partition: int) -> Any:
        """Return a partition's ids, a chunked array."""
        return self._open(partition).ids

    def match_last(self) -> Matches:
        """Return the matches of all documents of the last partition."""
        last = len(self._folders) - 1
        index = self._open(last)
        return self._match(places_of(last, np.arange(len(index.exact))), index.exact, index.signature)

    def match(self, places: I64) -> Matches:
        """Return the matches of documents at ascending places."""
        partitions, rows = partitions_and_rows(places)
        exact = np.zeros(len(places), np.uint64)
        signature = np.zeros((len(places), self._config.num_hashes), np.uint32)
        for partition in np.unique(partitions).tolist():
            here = partitions == partition
            index = self._open(partition)
            exact[here], signature[here] = index.exact[rows[here]], index.signature[rows[here]]
        return self._match(places, exact, signature)

    def _open(self, partition: int) -> SignatureIndex:
        return open_signature_index(self._folders[partition], self._config)

    def _match(self, places: I64, exact: NDArray[np.uint64], signature: NDArray[np.uint32]) -> Matches:
        keys = hash_keys(exact, signature, self._config)
        order = np.argsort(keys, axis=None)
        owners = (order // keys.shape[1]).astype(np.uint32)
        budgets = np.full(len(order), self._max_candidates, np.uint32)
        queries = _Queries(places, exact, signature, keys.ravel()[order], owners, budgets)
        firsts = np.full(len(places), -1, np.int64)
        num_equal = np.zeros(len(places), np.int64)
        same_text = np.zeros(len(places), bool)
        last = int(places[-1] >> 32) if len(places) else -1
        for partition in range(last + 1):
            index = self._open(partition)
            rows = self._lowest_rows(queries, partition, index, firsts)
            new = np.flatnonzero(rows >= 0)
            firsts[new] = places_of(partition, rows[new])
            same_text[new] = index.exact[rows[new]] == exact[new]
            num_equal[new] = (index.signature[rows[new]] == signature[new]).sum(axis=1)
        found = np.flatnonzero(firsts >= 0)
        kinds = np.where(same_text[found], "exact", "minhash")
        similarities = np.where(same_text[found], 1.0, num_equal[found] / self._config.num_hashes)
        return Matches(places[found], firsts[found], kinds, similarities)

    def _lowest_rows(self, queries: _Queries, partition: int, index: SignatureIndex, firsts: I64) -> I64:
        """Return for each query the first row of a partition that it matches, -1 where none does or an earlier partition had one."""
        partitions, rows = partitions_and_rows(queries.places)
        limits = np.where(partitions == partition, rows, np.where(partitions > partition, len(index.exact), 0))
        limits[firsts >= 0] = 0
        lowest = limits.copy()
        wanted = (queries.keys, queries.owners, queries.exact, queries.signature)
        lower_matches(wanted, index.hashes, index.signature, self._num_needed, queries.budgets, lowest)
        return np.where(lowest < limits, lowest, -1)
