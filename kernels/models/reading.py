"""What a model reads of a batch, as tensors. Shape letters: B rows, T positions, U positions of a decoder apart."""

from typing import Any, NamedTuple

import torch

from kernels.specs.objectives import Attention

MASKED = -1e9
"""Added to a score that may not count: finite, so that a position that sees nothing gives numbers all the same."""


class Reading(NamedTuple):
    """Rows of packed documents. Segments are -1 where there is no document."""

    tokens_BT: torch.Tensor
    segments_BT: torch.Tensor
    prefix_BT: torch.Tensor | None = None
    decoder_tokens_BU: torch.Tensor | None = None
    decoder_segments_BU: torch.Tensor | None = None
    pixels: torch.Tensor | None = None
    """Images of the rows in order, [I, channels, height, width]; an image's places are the tokens that stand for it."""
    in_blocks: bool = False
    """Whether stacks of ours are told who sees whom by blocks (kernels/models/blocks/block_masks.py): where they are compiled, on a GPU."""


def positions_of(segments_BT: torch.Tensor) -> torch.Tensor:
    """Return the position of each token within its document, [B, T]."""
    index_T = torch.arange(segments_BT.shape[1], device=segments_BT.device)
    starts_BT = torch.ones_like(segments_BT, dtype=torch.bool)
    starts_BT[:, 1:] = segments_BT[:, 1:] != segments_BT[:, :-1]
    return index_T - torch.where(starts_BT, index_T, 0).cummax(dim=1).values


def mask_of(reading: Reading, attention: Attention) -> torch.Tensor:
    """Return what is added to the scores of a stack that attends to itself, [B, 1, T, T] float32: 0 or `MASKED`.

    For an encoder-decoder this is the encoder's.
    """
    segments = reading.segments_BT
    seen_BTT = segments[:, :, None] == segments[:, None, :]
    if attention in ("causal", "prefix"):
        seen_BTT = seen_BTT & _may_be_seen(reading, attention)
    return _added(seen_BTT)


def _may_be_seen(reading: Reading, attention: Attention) -> torch.Tensor:
    length = reading.segments_BT.shape[1]
    before_TT = torch.ones(length, length, dtype=torch.bool, device=reading.segments_BT.device).tril()
    if attention == "causal" or reading.prefix_BT is None:
        return before_TT[None]
    return before_TT[None] | reading.prefix_BT[:, None, :]


def decoder_masks(reading: Reading) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what is added to scores of a decoder apart: to its own [B, 1, U, U], causal, and to those at the encoder [B, 1, U, T]."""
    own: Any = reading.decoder_segments_BU
    length = own.shape[1]
    before_UU = torch.ones(length, length, dtype=torch.bool, device=own.device).tril()
    return _added((own[:, :, None] == own[:, None, :]) & before_UU), _added(own[:, :, None] == reading.segments_BT[:, None, :])


def _added(seen: torch.Tensor) -> torch.Tensor:
    return torch.where(seen, 0.0, MASKED)[:, None].float()
