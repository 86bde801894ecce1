"""Exact duplicates: one 64-bit hash of the normalised text: case, white space and the punctuation of prose do not matter, signs do."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from kernels.curation.text.normalised import normalised_batches

if TYPE_CHECKING:
    import polars as pl


def exact_hashes(texts: "pl.Series") -> NDArray[np.uint64]:
    """Return the xxHash64 of each of N texts, normalised with their signs (`kernels.curation.text.normalised`): [N] uint64."""
    hashes = np.zeros(len(texts), np.uint64)
    for batch in normalised_batches(texts):
        hashes[batch.rows] = byte_hashes(batch.data, batch.offsets)
    return hashes


def byte_hashes(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the xxHash64 of each of N byte strings, given end to end with N + 1 offsets: [N] uint64."""
    import xxhash

    whole = memoryview(cast(Any, np.ascontiguousarray(data)))
    spans = pairwise(offsets.tolist())
    return np.fromiter((xxhash.xxh64_intdigest(whole[start:end]) for start, end in spans), np.uint64, count=len(offsets) - 1)
