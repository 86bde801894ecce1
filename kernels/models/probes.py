"""A few tokens are asked of a model to see what neither its class nor its config says."""

from collections.abc import Callable
from typing import Any

import torch

PROBED = 8
"""Tokens of a document by which a model is tried."""
NEAR = 1e-2
"""How far, relative to the largest, two answers to the same question may lie apart by rounding."""


def some_tokens(model: Any, count: int) -> torch.Tensor:
    """Return tokens of the vocabulary of a model of Transformers, [1, count]."""
    embedding = model.get_input_embeddings()
    return torch.arange(1, count + 1, device=embedding.weight.device)[None] % embedding.num_embeddings


def slopes_by_tokens(model: Any, asked: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return some logits, and the gradient of their squares by the embeddings of the tokens that the model read, [1, T, width].

    It is exactly zero where no logit looks.
    """
    embedded: list[torch.Tensor] = []

    def keep(module: Any, given: Any, found: torch.Tensor) -> torch.Tensor:
        embedded.append(found.detach().requires_grad_())
        return embedded[0]

    hook = model.get_input_embeddings().register_forward_hook(keep)
    try:
        with torch.enable_grad():
            logits = asked()
            (slopes,) = torch.autograd.grad(logits.float().square().sum(), embedded)
        return logits.detach(), slopes
    finally:
        hook.remove()


def is_near(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Return whether answers are the same but for rounding."""
    return bool((found - expected).abs().max() <= NEAR * expected.abs().max())
