"""Output layer and cross-entropy together, some rows at a time, with the gradients made on the way: the logits of a batch never stand as a whole.

Shape letters: N positions, D width, V vocabulary.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch

LOGITS_OF_CHUNK = 1 << 23
"""Logits at one time: 16 MiB in bfloat16."""


class TokenLoss(NamedTuple):
    """The loss that gradients flow from, and what it is made of."""

    total: torch.Tensor
    """Sum of cross-entropy and z-loss over the valid labels, divided as asked."""
    nats: torch.Tensor
    """Sum of the cross-entropy over the valid labels, not divided; no gradient."""


def token_loss(
    hidden_ND: torch.Tensor,
    weight_VD: torch.Tensor,
    targets_N: torch.Tensor,
    divide_by: torch.Tensor,
    *,
    z_loss: float = 0.0,
    bias_V: torch.Tensor | None = None,
    compiled: bool = False,
) -> TokenLoss:
    """Return the loss of predicting targets from hidden states; a negative target counts nothing.

    Args:
        hidden_ND: in the type that matrix products are made in.
        weight_VD: the output layer, in its own type.
        targets_N: token ids.
        divide_by: scalar, such as the number of valid labels of a whole batch.
        z_loss: weight of the squared log of the softmax's sum (Chowdhery et al. 2022, arXiv 2204.02311, section 5).
        bias_V: added to the logits.
        compiled: whether what is done to each logit is compiled.
    """
    loss: Any = _Loss
    of_chunk = _compiled() if compiled else _loss_of_chunk
    total, nats = loss.apply(hidden_ND, weight_VD, bias_V, targets_N, divide_by.float(), z_loss, of_chunk)
    return TokenLoss(total, nats)


def _loss_of_chunk(logits: Any, targets: Any, scale: Any, z_loss: float) -> tuple[Any, Any, Any]:
    """Return the loss of some rows, their cross-entropy, and its gradient by the logits."""
    wide = logits.float()
    valid = targets >= 0
    chosen = targets.clamp(min=0)
    largest = wide.amax(-1, keepdim=True)
    powers = torch.exp(wide - largest)
    sums = powers.sum(-1, keepdim=True)
    log_sums = (largest + sums.log())[:, 0]
    nats = torch.where(valid, log_sums - wide.gather(1, chosen[:, None])[:, 0], 0.0)
    scales = torch.where(valid, scale, 0.0)
    loss = (nats + z_loss * log_sums.square()) * scales
    slope = (scales * (1 + 2 * z_loss * log_sums))[:, None] / sums
    is_chosen = torch.arange(wide.shape[1], device=wide.device, dtype=torch.int32)[None] == chosen[:, None].int()
    gradient = powers * slope - torch.where(is_chosen, scales[:, None], 0.0)
    return loss.sum(), nats.sum(), gradient.to(logits.dtype)


_kept: list[Callable[..., Any]] = []


def _compiled() -> Callable[..., Any]:
    if not _kept:
        _kept.append(cast(Any, torch).compile(_loss_of_chunk, dynamic=False))
    return _kept[0]


class _Loss(torch.autograd.Function):
    """See the module."""

    @staticmethod
    def forward(ctx: Any, hidden: Any, weight: Any, bias: Any, targets: Any, divide_by: Any, z_loss: float, of_chunk: Callable[..., Any]) -> Any:
        cast = weight.to(hidden.dtype)
        scale = 1 / divide_by
        needs = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        d_hidden = torch.empty_like(hidden) if needs else None
        d_weight = torch.zeros_like(weight, dtype=torch.float32) if needs else None
        d_bias = torch.zeros_like(bias, dtype=torch.float32) if needs and bias is not None else None
        total = nats = torch.zeros((), device=hidden.device)
        size = max(1, LOGITS_OF_CHUNK // weight.shape[0])
        for start in range(0, len(hidden), size):
            rows = hidden[start : start + size]
            logits = rows @ cast.t() if bias is None else torch.addmm(bias.to(hidden.dtype), rows, cast.t())
            loss, plain, gradient = of_chunk(logits, targets[start : start + size], scale, z_loss)
            total, nats = total + loss, nats + plain
            if d_hidden is not None and d_weight is not None:
                torch.mm(gradient, cast, out=d_hidden[start : start + size])
                d_weight += gradient.t() @ rows
                if d_bias is not None:
                    d_bias += gradient.float().sum(0)
        ctx.save_for_backward(d_hidden, d_weight, d_bias)
        ctx.mark_non_differentiable(nats)
        return total, nats

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        slope = grads[0]
        if slope.device.type == "cpu" and float(slope) == 1.0:
            scaled = ctx.saved_tensors
        else:
            scaled = [None if made is None else (made.float() * slope).to(made.dtype) for made in ctx.saved_tensors]
        return scaled[0], scaled[1], scaled[2], None, None, None, None
