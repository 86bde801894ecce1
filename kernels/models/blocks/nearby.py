"""Bidirectional attention to what is near (Beltagy et al. 2020, arXiv 2004.05150, section 3.1), in chunks.

Queries of a window's length look at their own chunk and at the one on either side, so that work grows with the length of a row and not with its
square. Shape letters: B rows, G key heads, R query heads a key head, T positions, K width of a head, C chunks of W positions, the window.
"""

import torch

from kernels.models.blocks.attention import attend
from kernels.models.blocks.block_masks import Seen, blocks_of, in_blocks
from kernels.models.reading import MASKED, Reading, Sight

NO_PLACE = -2
"""Segment of what lies beside a row: of no document, nor of padding."""


def has_chunks(length: int, window: int) -> bool:
    """Return whether rows of a length are cut into chunks: three chunks of keys are fewer than all."""
    return length % window == 0 and length > 3 * window


def seen_nearby(reading: Reading, window: int, head_width: int) -> Seen:
    """Return who sees whom of positions that see those of their document at most a window away."""
    sight = Sight(reading.segments_BT, reading.segments_BT, window=window)
    if in_blocks(reading, head_width):
        return blocks_of(sight)
    if reading.told_by is not None:
        return reading.told_by(sight)
    return nearby_mask(reading.segments_BT, window)


def nearby_mask(segments_BT: torch.Tensor, window: int) -> torch.Tensor:
    """Return what is added to scores of positions that see those of their document at most a window away, float32.

    [B * C, 1, W, 3 W] where rows are cut into chunks, else [B, 1, T, T].
    """
    rows, length = segments_BT.shape
    if not has_chunks(length, window):
        return Sight(segments_BT, segments_BT, window=window).mask()
    queries = torch.arange(window, device=segments_BT.device) + window
    near = (queries[:, None] - torch.arange(3 * window, device=segments_BT.device)[None]).abs() <= window
    around = torch.nn.functional.pad(segments_BT, (window, window), value=NO_PLACE).unfold(1, 3 * window, window)
    seen = (segments_BT.view(rows, -1, window, 1) == around[:, :, None, :]) & near
    return torch.where(seen.flatten(0, 1), 0.0, MASKED)[:, None].float()


def attend_nearby(q_BGRTK: torch.Tensor, k_BGTK: torch.Tensor, v_BGTK: torch.Tensor, mask: Seen, window: int) -> torch.Tensor:
    """Return what each query head sees, [B, G, R, T, K], by a mask of `nearby_mask`, or by blocks. Queries are scaled already."""
    rows, groups, repeats, length, width = q_BGRTK.shape
    if not has_chunks(length, window) or not torch.is_tensor(mask):
        return attend(q_BGRTK, k_BGTK, v_BGTK, mask)
    chunks = length // window
    queries = q_BGRTK.view(rows, groups, repeats, chunks, window, width).permute(0, 3, 1, 2, 4, 5).flatten(0, 1)
    seen = attend(queries, _around(k_BGTK, window), _around(v_BGTK, window), mask)
    return seen.view(rows, chunks, groups, repeats, window, width).permute(0, 2, 3, 1, 4, 5).reshape(q_BGRTK.shape)


def _around(x_BGTK: torch.Tensor, window: int) -> torch.Tensor:
    """Return each chunk with its neighbours, [B * C, G, 3 W, K]; zeros beside a row."""
    length = x_BGTK.shape[2]
    wide = torch.nn.functional.pad(x_BGTK, (0, 0, window, window))
    parts: list[torch.Tensor] = [wide[:, :, start : start + length].unflatten(2, (-1, window)) for start in (0, window, 2 * window)]
    return torch.cat(parts, 3).transpose(1, 2).flatten(0, 1)
