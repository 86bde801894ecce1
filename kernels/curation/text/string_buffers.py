"""Strings as flat bytes with offsets, and ranges of rows of bounded size."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

BATCH_BYTES = 1 << 20


def batches(texts: "pl.Series", max_bytes: int = BATCH_BYTES) -> Iterator[tuple[int, int]]:
    """Yield row ranges (start, end) of about ``max_bytes`` of UTF-8, at least one row each, so that flat arrays stay small."""
    ends = np.cumsum(texts.str.len_bytes().to_numpy().astype(np.int64))
    start = 0
    while start < len(texts):
        before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + max_bytes, side="right")))
        yield start, end
        start = end


def flat_bytes(strings: "pl.Series") -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the UTF-8 of N strings end to end, and the N + 1 byte offsets."""
    import pyarrow as pa

    array = cast(Any, strings.to_arrow()).cast(pa.large_string())
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    if data is None or len(places) == 0:
        return np.zeros(0, np.uint8), np.zeros(len(strings) + 1, np.int64)
    return np.frombuffer(data, np.uint8)[places[0] : places[-1]], places - places[0]


def strings(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> "pl.Series":
    """Return N strings from valid UTF-8 end to end and the N + 1 byte offsets."""
    import polars as pl
    import pyarrow as pa

    buffers: list[Any] = [offsets, data]
    places, values = map(pa.py_buffer, buffers)
    array = pa.LargeStringArray.from_buffers(len(offsets) - 1, places, values)
    return cast(pl.Series, pl.from_arrow(array))  # pyright: ignore[reportUnknownMemberType]
