"""Who sees whom, as a compiled attention on a GPU takes it: by blocks of queries and keys, of which those that nobody sees are passed over.

That is FlexAttention (Dong et al. 2024, arXiv 2412.05496). Anything else is told by a mask that is added to scores. Gradients flow into no bias
beside blocks: they would be summed in an order of their own each time.
"""

from collections.abc import Callable
from typing import Any

import torch

from kernels.models.reading import Reading, Sight, mask_of, sight_of
from kernels.specs.objectives import Attention

LEAST_HEAD_WIDTH = 16
"""Of what its kernels multiply."""

Seen = Any
"""A float32 mask [B, 1, T, T] that is added to scores, a ``BlockMask``, or a `kernels.models.blocks.attention.KeysElsewhere`."""

_compiled: list[Callable[..., Any]] = []


def seen_by(reading: Reading, attention: Attention, head_width: int) -> Seen:
    """Return who sees whom in a stack that attends to itself."""
    if not in_blocks(reading, head_width):
        return mask_of(reading, attention)
    return blocks_of(sight_of(reading, attention))


def in_blocks(reading: Reading, head_width: int) -> bool:
    """Return whether a stack with heads of a width is told by blocks."""
    return reading.in_blocks and head_width >= LEAST_HEAD_WIDTH


def attend_in_blocks(q_BGRTK: torch.Tensor, k_BGSK: torch.Tensor, v_BGSK: torch.Tensor, blocks: Any, bias_GRTS: torch.Tensor | None) -> torch.Tensor:
    """Return what each query head sees, [B, G, R, T, K]; see `kernels.models.blocks.attention.attend`, which this is called by."""
    from torch.nn.attention.flex_attention import flex_attention

    fused: Any = flex_attention
    added = None if bias_GRTS is None else _adding(bias_GRTS.flatten(0, 1))
    seen = fused(q_BGRTK.flatten(1, 2), k_BGSK, v_BGSK, score_mod=added, block_mask=blocks, scale=1.0, enable_gqa=q_BGRTK.shape[2] > 1)
    return seen.view(q_BGRTK.shape)


def _adding(bias_HTS: torch.Tensor) -> Callable[..., Any]:
    """Return what adds a bias to a score."""

    def added(score: Any, row: Any, head: Any, query: Any, key: Any) -> Any:
        return score + bias_HTS[head, query, key]

    return added


def blocks_of(sight: Sight) -> Any:
    """Return the blocks in which queries see keys. Compiled, since a mask that stands as a whole first takes ten times as long."""
    from torch.nn.attention.flex_attention import create_block_mask

    if not _compiled:
        compiler: Any = torch
        _compiled.append(compiler.compile(create_block_mask, dynamic=False))
    num_rows, length = sight.queries_BT.shape

    def seen(row: Any, head: Any, query: Any, key: Any) -> Any:
        return sight.sees(row, query, key)

    return _compiled[0](seen, num_rows, None, length, length, device=sight.queries_BT.device)
