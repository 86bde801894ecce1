"""The compiled loops that look sorted hashes up in the sorted hashes of an index, and compare the signatures of what they find."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled
from kernels.curation.deduplication.loops.minima import resemblance

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]


@compiled
def may_hold(bits: U64, shift: int, key: np.uint64) -> bool:
    """Return whether some key of the index begins as this one."""
    place = key >> np.uint64(shift)
    return (bits[place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1) == np.uint64(1)


@compiled
def seek(keys: U64, key: np.uint64, low: int) -> int:
    """Return the first place from ``low`` on whose key is not below this one, by steps that double and then halve."""
    step = 1
    high = low
    while high < len(keys) and keys[high] < key:
        low = high + 1
        high += step
        step *= 2
    high = min(high, len(keys))
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def first_rows(wanted: U64, keys: U64, rows: U32, bits: U64, shift: int) -> I64:
    """Return the first row of each wanted key (ascending), or -1."""
    found = np.full(len(wanted), -1, np.int64)
    place = 0
    for index in range(len(wanted)):
        if may_hold(bits, shift, wanted[index]):
            place = seek(keys, wanted[index], place)
            if place < len(keys) and keys[place] == wanted[index]:
                found[index] = rows[place]
    return found


@compiled
def num_equal(left: U32, right: U32) -> int:
    """Return how many places of two signatures are equal."""
    count = 0
    for place in range(len(left)):
        count += left[place] == right[place]
    return count


@compiled
def _is_match(query: int, row: int, key: np.uint64, wanted: Any, index: Any, bar: tuple[float, int, int]) -> bool:
    """Return whether a query and a row of the index have one exact hash, or shingles that are alike; signatures turn most others away."""
    min_similarity, num_plausible, max_shingles = bar
    if key == wanted.exact[query]:
        return True
    if num_equal(wanted.signature[query], index.signature[row]) < num_plausible:
        return False
    ours, theirs = wanted.shingles, index.shingles
    left = ours.values[ours.offsets[query] : ours.offsets[query + 1]]
    right = theirs.values[theirs.offsets[row] : theirs.offsets[row + 1]]
    return resemblance(left, right, max_shingles, min_similarity) > 0


@compiled
def lower_matches(keys: U64, owners: U32, wanted: Any, index: Any, bar: tuple[float, int, int], budgets: U32, lowest: I64) -> None:
    """Lower each query's row to the first row of the index that matches it.

    ``keys`` (M, ascending) and the query of each; ``wanted``: the queries as `Signed`; ``index``: a `SignatureIndex` without its ids, as
    `Signed` with ``hashes``. ``bar``: least similarity, least number of equal minimum hashes that may go with it, most shingles of a text.
    ``budgets`` (M) says how many more rows a key may be compared with. ``lowest``: only rows below a query's count.
    """
    held, rows, bits, shift = index.hashes.keys, index.hashes.rows, index.hashes.bits, index.hashes.shift
    place = 0
    for number in range(len(keys)):
        key, query = keys[number], owners[number]
        if lowest[query] <= 0 or not may_hold(bits, shift, key):
            continue
        place = seek(held, key, place)
        walk = place
        while walk < len(held) and held[walk] == key and rows[walk] < lowest[query] and budgets[number] > 0:
            if _is_match(query, rows[walk], key, wanted, index, bar):
                lowest[query] = rows[walk]
            budgets[number] -= np.uint32(1)
            walk += 1


@compiled
def resemblances(queries: I64, rows: I64, wanted: Any, index: Any, max_shingles: int) -> NDArray[np.float64]:
    """Return the similarities of pairs of a query and a row."""
    result = np.zeros(len(queries), np.float64)
    ours, theirs = wanted.shingles, index.shingles
    for pair in range(len(queries)):
        left = ours.values[ours.offsets[queries[pair]] : ours.offsets[queries[pair] + 1]]
        result[pair] = resemblance(left, theirs.values[theirs.offsets[rows[pair]] : theirs.offsets[rows[pair] + 1]], max_shingles, 0.0)
    return result
