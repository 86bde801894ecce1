"""Dropout (Srivastava et al. 2014) that does not depend on who computes what.

What is dropped of a row follows from the seed that torch was given, what the row reads, and the place in the model: so it is the same in whichever
process, micro-batch or recomputation the row is, and losses are those of one process. Rows of a step that read the same drop the same.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from kernels.tokens.mixtures.permutation import key_of

_FUNCTIONS: Any = nn.functional
_BY_PLACE = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
"""Arguments of scaled dot-product attention that need not be named."""


def keys_of(tokens_BT: Any) -> list[int]:
    """Return a number a row that follows from its tokens and the seed that torch was given."""
    seed = torch.initial_seed()
    rows: list[list[int]] = tokens_BT.tolist()
    return [key_of(seed, *row) for row in rows]


def drops(model: nn.Module, passed: Callable[[], object]) -> bool:
    """Return whether a model drops anything as it learns, by passing a row through it."""
    was_training = model.training
    model.train()
    try:
        with torch.no_grad(), Dropping([0], type(model).__name__) as trial:
            passed()
    finally:
        model.train(was_training)
    return trial.count > 0


class Dropping(TorchFunctionMode):
    """While it is active functions of torch that drop do so by the keys of rows, each by its number since the beginning."""

    def __init__(self, keys: Sequence[int], place: str) -> None:
        """Drop in rows of some keys, at a place of the model that a row passes once."""
        super().__init__()
        self.keys, self.place, self.count = keys, place, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do as a function of torch, and drop by keys."""
        told: dict[str, Any] = kwargs or {}
        if func is _FUNCTIONS.dropout and told["training"] and told["p"]:
            factors = self._factors(args[0], told["p"])
            return args[0].mul_(factors) if told["inplace"] else args[0] * factors
        if func is _FUNCTIONS.scaled_dot_product_attention:
            told, args = dict(zip(_BY_PLACE, args, strict=False)) | told, ()
            if told.get("dropout_p"):
                return self._attention(**told)
        return func(*args, **told)

    def _factors(self, x: torch.Tensor, p: float) -> torch.Tensor:
        """Return what dropout multiplies by, in the shape of what it reads, whose first dimension is rows or parts of them."""
        if x.shape[0] % len(self.keys):
            raise ValueError(f"{self.place}: drops out of {tuple(x.shape)}, which are not {len(self.keys)} rows; set its dropout to 0")
        kept = torch.empty(len(self.keys), x.numel() // len(self.keys), device=x.device)
        for row, key in zip(kept, self.keys, strict=True):
            draws = torch.Generator(x.device).manual_seed(key_of(key, self.place, self.count) % 2**63)
            row.bernoulli_(1 - p, generator=draws)
        self.count += 1
        return (kept / (1 - p)).view(x.shape).to(x.dtype)

    def _attention(self, query: Any, key: Any, value: Any, dropout_p: float, **told: Any) -> Any:
        """Return what PyTorch's documentation of scaled dot-product attention says."""
        if told.get("enable_gqa"):
            key, value = (x.repeat_interleave(query.shape[-3] // x.shape[-3], -3) for x in (key, value))
        scale, mask = told.get("scale"), told.get("attn_mask")
        scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
        if told.get("is_causal"):
            mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
        weights = scores.softmax(-1)
        return weights * self._factors(weights, dropout_p) @ value
