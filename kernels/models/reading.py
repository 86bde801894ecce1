"""What a model reads of a batch, as tensors. Shape letters: B rows, T positions, U positions of a decoder apart."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from kernels.specs.objectives import Attention

MASKED = -1e9
"""Added to a score that may not count: finite, so that a position that sees nothing gives numbers all the same."""


class Sight(NamedTuple):
    """Which keys queries see: those of their segment, as far as the rest allows; S keys."""

    queries_BT: torch.Tensor
    """Segments."""
    keys_BS: torch.Tensor
    is_causal: bool = False
    """Whether no query sees a key behind it."""
    prefix_BS: torch.Tensor | None = None
    """Keys that are seen from before them all the same."""
    window: int | None = None
    """How far away a key is seen at most."""

    def sees(self, row: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """Return whether the query at a place of a row sees the key at another, of places of any shapes that go together."""
        seen = self.queries_BT[row, query] == self.keys_BS[row, key]
        if self.window is not None:
            seen = seen & (query - key <= self.window) & (key - query <= self.window)
        if not self.is_causal:
            return seen
        before = query >= key
        return seen & (before if self.prefix_BS is None else before | self.prefix_BS[row, key])

    def between(self, queries: slice, keys: slice) -> torch.Tensor:
        """Return whether some queries see some keys, [B, T, S] bool."""
        device, (num_rows, num_queries) = self.queries_BT.device, self.queries_BT.shape
        rows, places = torch.arange(num_rows, device=device), torch.arange(max(num_queries, self.keys_BS.shape[1]), device=device)
        return self.sees(rows[:, None, None], places[:num_queries][queries, None], places[: self.keys_BS.shape[1]][keys])

    def mask(self, queries: slice = slice(None), keys: slice = slice(None)) -> torch.Tensor:
        """Return what is added to the scores of some queries at some keys, [B, 1, T, S] float32: 0 or `MASKED`."""
        return torch.where(self.between(queries, keys), 0.0, MASKED)[:, None].float()

    def reaches(self, queries: slice, keys: slice) -> bool:
        """Return whether some queries can see some keys, whatever segments they are of."""
        is_behind = self.is_causal and self.prefix_BS is None and keys.start >= queries.stop
        is_far = self.window is not None and (keys.start - queries.stop >= self.window or queries.start - keys.stop >= self.window)
        return not is_behind and not is_far


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
    told_by: Callable[[Sight], Any] | None = None
    """Makes of who sees whom what stacks of ours are told of it; None makes masks."""


def positions_of(segments_BT: torch.Tensor) -> torch.Tensor:
    """Return the position of each token within its document, [B, T]."""
    index_T = torch.arange(segments_BT.shape[1], device=segments_BT.device)
    starts_BT = torch.ones_like(segments_BT, dtype=torch.bool)
    starts_BT[:, 1:] = segments_BT[:, 1:] != segments_BT[:, :-1]
    return index_T - torch.where(starts_BT, index_T, 0).cummax(dim=1).values


def sight_of(reading: Reading, attention: Attention) -> Sight:
    """Return who sees whom in a stack that attends to itself; of an encoder-decoder, in the encoder."""
    prefix_BT = reading.prefix_BT if attention == "prefix" else None
    return Sight(reading.segments_BT, reading.segments_BT, attention in ("causal", "prefix"), prefix_BT)


def mask_of(reading: Reading, attention: Attention) -> Any:
    """Return what is added to the scores of a stack that attends to itself, [B, 1, T, T] float32: 0 or `MASKED`; or what tells the same.

    For an encoder-decoder this is the encoder's.
    """
    return _told(reading, sight_of(reading, attention))


def decoder_masks(reading: Reading) -> tuple[Any, Any]:
    """Return what is added to scores of a decoder apart: to its own [B, 1, U, U], causal, and to those at the encoder [B, 1, U, T]."""
    own: Any = reading.decoder_segments_BU
    return _told(reading, Sight(own, own, is_causal=True)), _told(reading, Sight(own, reading.segments_BT))


def _told(reading: Reading, sight: Sight) -> Any:
    return sight.mask() if reading.told_by is None else reading.told_by(sight)
