"""Sorted hashes on disk, looked up without being read whole: Arrow IPC files, mapped into memory.

``keys.arrow`` holds 64-bit hashes in order, each with the row that it stands for (equal hashes in order of rows); ``filter.arrow`` a bit
for every possible beginning of a hash, set where some hash begins so: most look-ups end there. A bitmap has 8 to 16 bits a hash.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernels.curation.deduplication.arrow_files import map_arrow, write_arrow

U64 = NDArray[np.uint64]
U32 = NDArray[np.uint32]

_BITS_PER_KEY = 8
_MAX_KEYS = 1 << 31
_STRETCH = 1 << 22


class HashIndex(NamedTuple):
    """A partition's hashes, mapped: keys (M, ascending), rows (M), and the bitmap of their first bits."""

    keys: U64
    rows: U32
    bits: U64
    shift: int
    """A key's place in the bitmap is ``key >> shift``."""


def write_hash_index(keys: U64, rows: NDArray[Any], folder: Path) -> None:
    """Write hashes and their rows into a folder, sorted; rows of equal hashes must ascend.

    Raises:
        ValueError: too many hashes.
    """
    if len(keys) > _MAX_KEYS:
        raise ValueError(f"{len(keys)} hashes are too many for one index: cut the source into smaller partitions")
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    num_bits = max(6, int(max(1, len(keys)) * _BITS_PER_KEY - 1).bit_length())
    bits = _first_bits(keys, num_bits)
    write_arrow(pa.table({"key": pa.array(keys, pa.uint64()), "row": pa.array(rows[order].astype(np.uint32), pa.uint32())}), folder / "keys.arrow")
    write_arrow(pa.table({"bits": pa.array(bits, pa.uint64())}), folder / "filter.arrow")


def _first_bits(keys: U64, num_bits: int) -> U64:
    """Return a bit for every beginning of ``num_bits`` bits, set where one of the ascending keys begins so; a stretch of it at a time."""
    shift, step = np.uint64(64 - num_bits), min(1 << num_bits, _STRETCH)
    packed = np.empty((1 << num_bits) // 8, np.uint8)
    for start in range(0, 1 << num_bits, step):
        low = np.uint64(start) << shift
        first = np.searchsorted(keys, low)
        end = len(keys) if start + step == 1 << num_bits else int(np.searchsorted(keys, np.uint64(start + step) << shift))
        flags = np.zeros(step, np.uint8)
        flags[((keys[first:end] - low) >> shift).astype(np.int64)] = 1
        packed[start // 8 : (start + step) // 8] = np.packbits(flags, bitorder="little")
    return packed.view("<u8")


def open_hash_index(folder: Path) -> HashIndex:
    """Return the index of a folder, mapped into memory."""
    table = map_arrow(folder / "keys.arrow")
    bits = map_arrow(folder / "filter.arrow")["bits"].to_numpy()
    return HashIndex(table["key"].to_numpy(), table["row"].to_numpy(), bits, 64 - (len(bits) * 64).bit_length() + 1)


def find_first_rows(index: HashIndex, wanted: U64) -> NDArray[np.int64]:
    """Return the first row of each wanted hash (ascending), or -1 where the index has none."""
    from kernels.curation.deduplication.loops.look_ups import first_rows

    return first_rows(wanted, index.keys, index.rows, index.bits, index.shift)
