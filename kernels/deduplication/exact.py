"""Exact duplicates: one 64-bit hash of the normalised text, so that case, white space and punctuation do not matter."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kernels.filters.words import normalise

if TYPE_CHECKING:
    import polars as pl


def exact_hashes(texts: "pl.Series") -> NDArray[np.uint64]:
    """Return the xxHash64 of each of N texts, normalised by `kernels.filters.words.normalise`: [N] uint64."""
    return normalised_hashes(normalise(texts))


def normalised_hashes(texts: "pl.Series") -> NDArray[np.uint64]:
    """Return the xxHash64 of each of N texts that are already normalised: [N] uint64."""
    import xxhash

    return np.fromiter((xxhash.xxh64_intdigest(text.encode()) for text in texts), np.uint64, count=len(texts))
