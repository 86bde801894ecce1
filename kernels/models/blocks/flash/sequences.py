"""Sequences that are packed one behind the other, and who sees whom in one."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import torch


class Rule(NamedTuple):
    """Who sees whom in a sequence, and what distance costs."""

    causal: bool
    """Whether no query sees a key behind it."""
    window: int | None = None
    """A query sees keys that are fewer tokens away than this, on each side; None sees all."""
    slopes_H: torch.Tensor | None = None
    """Of ALiBi (Press et al. 2022, arXiv 2108.12409), float32: by how much a score falls with each token that a key stands before a query."""


class Packed(NamedTuple):
    """Sequences one behind the other."""

    lengths: Sequence[int]
    starts_M1: torch.Tensor
    """Where each begins, and where the last one ends, int32, on the device of what is packed."""


def packed(lengths: Sequence[int], device: torch.device) -> Packed:
    """Return how sequences of some lengths stand one behind the other."""
    return Packed(lengths, torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device))
