"""Normalised texts as flat UTF-8 (`kernels.curation.text.shingles.normalise`, at the speed of one loop over bytes).

A table says of each code point up to U+1FFFF what normalising makes of it, as Polars has it. Texts that no such table can tell (case that
depends on the neighbours or that changes the number of characters, rarer planes, texts without any word) go through Polars itself.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.text.shingles import normalise
from kernels.curation.text.string_buffers import batches, flat_bytes

if TYPE_CHECKING:
    import polars as pl

SEPARATOR = 0
ASK = np.uint32(0xFFFFFFFF)
TABLE_SIZE = 0x20000
_MAX_BATCH_BYTES = 8 << 20
_SIGMA = 0x3A3  # becomes one of two letters, by what follows


class NormalisedBatch(NamedTuple):
    """Some rows of the texts: row numbers (R), their normalised bytes end to end, and the R + 1 byte offsets."""

    rows: NDArray[np.int64]
    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]


def normalised_batches(texts: "pl.Series") -> Iterator[NormalisedBatch]:
    """Yield all rows of the texts, normalised, in batches of a few MB; rows within a batch ascend."""
    from kernels.curation.deduplication.loops.normalise_bytes import normalise_all

    table = character_table()
    for start, end in batches(texts, _MAX_BATCH_BYTES):
        data, offsets = flat_bytes(texts[start:end])
        plain, bounds, asks = normalise_all(data, offsets, table)
        rows = np.arange(start, end)
        # A text to ask about takes no bytes here, so that dropping its row leaves the others end to end.
        yield NormalisedBatch(rows[~asks], plain, np.concatenate([bounds[:1], bounds[1:][~asks]]))
        if asks.any():
            asked = rows[asks]
            yield NormalisedBatch(asked, *flat_bytes(normalise(texts[asked])))


@cache
def character_table() -> NDArray[np.uint32]:
    """Return for each code point its lower case, `SEPARATOR` or `ASK`: [TABLE_SIZE] uint32."""
    import polars as pl

    codes = [code for code in range(1, TABLE_SIZE) if not 0xD800 <= code < 0xE000]
    framed = normalise(pl.Series([f"x{chr(code)}x" for code in codes]))
    table = np.full(TABLE_SIZE, ASK, np.uint32)
    for code, text in zip(codes, framed, strict=True):
        if text == "x x":
            table[code] = SEPARATOR
        elif len(text) == 3:
            table[code] = ord(text[1])
    table[0] = SEPARATOR
    table[_SIGMA] = ASK
    return table
