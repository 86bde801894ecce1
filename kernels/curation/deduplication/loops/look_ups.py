"""The compiled loops that look sorted hashes up in the sorted hashes of an index, and compare the signatures of what they find."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled

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
def lower_matches(
    wanted: tuple[U64, U32, U64, U32],
    index: Any,
    signature: U32,
    num_needed: int,
    budgets: U32,
    lowest: I64,
) -> None:
    """Lower each query's row to the first row of the index that matches it.

    ``wanted``: keys (M, ascending), the query of each, exact hashes (Q), signatures [Q, W]. ``index``: a `HashIndex`. ``signature``: the
    index's [N, W]. ``budgets`` (M) says how many more rows a key may be compared with. ``lowest`` (Q): only rows below it count.
    """
    keys, owners, exact, signatures = wanted
    held, rows, bits, shift = index.keys, index.rows, index.bits, index.shift
    place = 0
    for number in range(len(keys)):
        key, query = keys[number], owners[number]
        if lowest[query] <= 0 or not may_hold(bits, shift, key):
            continue
        place = seek(held, key, place)
        walk = place
        while walk < len(held) and held[walk] == key and rows[walk] < lowest[query] and budgets[number] > 0:
            if key == exact[query] or num_equal(signatures[query], signature[rows[walk]]) >= num_needed:
                lowest[query] = rows[walk]
            budgets[number] -= np.uint32(1)
            walk += 1
