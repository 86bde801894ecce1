"""Starts the kernels that attend from one query of each sequence to its keys in pages; see decode.py.

Shape letters: M sequences, P pages of the longest, H query heads, G key heads, K width of a head.
"""

from typing import NamedTuple

import torch

from kernels.models.blocks.flash import tiling
from kernels.models.blocks.flash.decode import attend_parts, merge
from kernels.models.blocks.flash.launching import LOG2_E, precision_of, start
from kernels.models.blocks.flash.sequences import Rule

MERGED = 16
"""Parts that are weighed at once."""


class Tables(NamedTuple):
    """Where keys and values of sequences lie."""

    pages_MP: torch.Tensor
    """Pages of each, int32; anything behind its last."""
    lengths_M: torch.Tensor
    """Keys of each, that of the query among them, int32."""
    longest: int
    """Of the lengths."""
    page: int
    """Keys of a page."""


def attend_pages(q_MHK: torch.Tensor, k: torch.Tensor, v: torch.Tensor, tables: Tables, rule: Rule, *, scale: float) -> torch.Tensor:
    """Return what the query heads of the last token of each sequence see, [M, H, K].

    Args:
        q_MHK: queries.
        k: keys of all pages, [pages x page, G, K].
        v: values, as keys.
        tables: where those of a sequence lie.
        rule: how far a query sees, and what distance costs; nothing stands behind it.
        scale: that products are multiplied by.
    """
    num_sequences, num_heads, width = q_MHK.shape
    num_groups = k.shape[1]
    num_parts = -(-tables.longest // tiling.PART)
    if rule.window is not None:
        num_parts = min(num_parts, -(-(rule.window - 1) // tiling.PART) + 1)
    parts = torch.empty(num_sequences, num_heads, num_parts, width, dtype=torch.float32, device=q_MHK.device)
    sums = torch.empty(num_sequences, num_heads, num_parts, dtype=torch.float32, device=q_MHK.device)
    seen = torch.empty(q_MHK.shape, dtype=q_MHK.dtype, device=q_MHK.device)
    slopes = None if rule.slopes_H is None else rule.slopes_H * LOG2_E
    sizes = tiling.of_parts(width, num_heads // num_groups, q_MHK.element_size())
    whole = {"width": width, "padded": tiling.padded(width)}
    given = q_MHK.contiguous(), k, v, parts, sums, tables.pages_MP, tables.lengths_M, slopes
    constants = {"repeats": num_heads // num_groups, "q_tile": sizes.queries, "k_tile": sizes.keys, "page": tables.page, "part_size": tiling.PART}
    constants |= {"windowed": rule.window is not None, "biased": slopes is not None, "num_warps": sizes.num_warps, "num_stages": sizes.num_stages}
    grid = num_sequences, num_groups, num_parts
    numbers = tables.pages_MP.stride(0), scale * LOG2_E, rule.window or 0
    start(attend_parts, grid, *given, *numbers, **whole, **constants, precision=precision_of(q_MHK.dtype))
    start(merge, (num_sequences * num_heads,), parts, sums, seen, num_parts, **whole, tile=MERGED)
    return seen
