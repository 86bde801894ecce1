"""How large the tiles of a kernel are, and how many warps work on one.

They follow from the width of a head and the bytes of a value alone, and nothing is tried out on the machine: sums have the same order, and so the
same bits, each time. They were chosen by what compilers tell of GPUs of compute capability 8.0 and 9.0 (``make bench NAME=attention_kernels``): that
registers hold them, and that a block's shared memory does. None was timed yet.
"""

from typing import NamedTuple

PART = 256
"""Keys of a sequence that one program of decoding reads."""


class Tiling(NamedTuple):
    """Of one kernel."""

    queries: int
    keys: int
    num_warps: int
    num_stages: int
    """Tiles that are on their way from memory at once."""


def padded(width: int) -> int:
    """Return the power of two that the width of a head is filled up to: GPUs multiply no narrower one than 16."""
    return max(16, 1 << (width - 1).bit_length())


def of_forward(width: int, size_bytes: int) -> Tiling:
    """Return the tiles of the forward kernel."""
    if size_bytes == 4:
        return Tiling(64, 32, 8, 2) if padded(width) <= 64 else Tiling(32, 16, 4, 2)
    if padded(width) <= 128:
        return Tiling(128, 64, 8, 3 if padded(width) <= 64 else 2)
    return Tiling(64, 32, 8, 2)


def of_queries(width: int, size_bytes: int) -> Tiling:
    """Return the tiles of the kernel that sums gradients of queries."""
    if size_bytes == 4:
        return Tiling(32, 32, 4, 2) if padded(width) <= 64 else Tiling(32, 16, 8, 2)
    if padded(width) <= 64:
        return Tiling(128, 32, 8, 3)
    return Tiling(64, 64, 8, 2) if padded(width) <= 128 else Tiling(64, 16, 8, 2)


def of_keys(width: int, size_bytes: int) -> Tiling:
    """Return the tiles of the kernel that sums gradients of keys and values."""
    if size_bytes == 4:
        return Tiling(16, 32, 4, 2) if padded(width) <= 64 else Tiling(16, 16, 4, 1)
    if padded(width) <= 128:
        return Tiling(32, 64, 8, 3 if padded(width) <= 64 else 2)
    return Tiling(32, 32, 8, 2)


def of_parts(width: int, repeats: int, size_bytes: int) -> Tiling:
    """Return the tiles of decoding: its queries are the query heads of a key head."""
    return Tiling(padded(repeats), 64 if padded(width) * size_bytes <= 256 else 32, 4, 3)
