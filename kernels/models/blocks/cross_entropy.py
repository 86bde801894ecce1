"""Output layer and cross-entropy together, some rows at a time, with the gradients made on the way: the logits of a batch never stand as a whole.

Shape letters: N positions, D width, V vocabulary.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch._subclasses.fake_tensor import is_fake

LOGITS_OF_CHUNK = {"cpu": 1 << 23, "cuda": 1 << 27}
"""Logits at one time: 16 MiB in bfloat16, which a CPU's cache holds, or 256 MiB, whose products fill a GPU."""


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
    num_logits: int | None = None,
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
        num_logits: that stand at one time; None takes as many as the device is best at.
    """
    loss: Any = _Loss
    read = _compiled() if compiled else _read_chunk
    chunks = chunks_of(len(hidden_ND), len(weight_VD), num_logits or LOGITS_OF_CHUNK[hidden_ND.device.type])
    total, nats = loss.apply(hidden_ND, weight_VD, bias_V, targets_N, divide_by.float(), z_loss, read, chunks)
    return TokenLoss(total, nats)


def chunks_of(num_rows: int, vocab_size: int, num_logits: int) -> list[slice]:
    """Return the rows whose logits stand at one time, where so many may."""
    size = max(1, num_logits // vocab_size)
    return [slice(start, start + size) for start in range(0, num_rows, size)]


def logits_of(rows_ND: torch.Tensor, weight_VD: torch.Tensor, bias_V: torch.Tensor | None) -> torch.Tensor:
    """Return the logits of some rows, [N, V]; rows and weight are of one type."""
    return rows_ND @ weight_VD.t() if bias_V is None else torch.addmm(bias_V.to(rows_ND.dtype), rows_ND, weight_VD.t())


class _Chunk(NamedTuple):
    """What the loss of some rows and its gradient are made of.

    The gradient by the logits is ``slope`` times the powers, and ``slope_of_target`` at the target: it never stands as a whole, and what the target
    has of it is not rounded with the rest.
    """

    loss: torch.Tensor
    nats: torch.Tensor
    slope_N1: torch.Tensor
    slope_of_target_N1: torch.Tensor
    powers_NV: torch.Tensor
    """e^(logit - largest of its row), in the type of the logits."""


def _read_chunk(logits_NV: torch.Tensor, targets_N: torch.Tensor, scale: torch.Tensor, z_loss: float) -> _Chunk:
    valid_N1, chosen_N1 = (targets_N >= 0)[:, None], targets_N.clamp(min=0)[:, None]
    scales_N1 = torch.where(valid_N1, scale, 0.0)
    wide_NV = logits_NV.float()
    largest_N1 = wide_NV.amax(-1, keepdim=True)
    powers_NV = torch.exp(wide_NV - largest_N1)
    sums_N1 = powers_NV.sum(-1, keepdim=True)
    log_sums_N1 = largest_N1 + sums_N1.log()
    of_target_N1 = wide_NV.gather(1, chosen_N1)
    nats_N1 = torch.where(valid_N1, log_sums_N1 - of_target_N1, 0.0)
    loss_N1 = (nats_N1 + z_loss * log_sums_N1.square()) * scales_N1
    slope_N1 = (1 + 2 * z_loss * log_sums_N1) / sums_N1 * scales_N1
    slope_of_target_N1 = torch.exp(of_target_N1 - largest_N1) * slope_N1 - scales_N1
    return _Chunk(loss_N1.sum(), nats_N1.sum(), slope_N1, slope_of_target_N1, powers_NV.to(logits_NV.dtype))


_kept: list[Callable[..., _Chunk]] = []


def _compiled() -> Callable[..., _Chunk]:
    if not _kept:
        _kept.append(cast(Any, torch).compile(_read_chunk, dynamic=False))
    return _kept[0]


def _sum(total: Any, addend: Any) -> Any:
    """Return the sum in float32, made in place where there is one."""
    return addend.float() if total is None else total.add_(addend)


def _by_target(values_ND: Any, chosen_N: Any, num_targets: int) -> Any:
    """Return the sums of values by target, [V, D]: the gradient of an embedding, in an order of its own that is the same each time."""
    return torch.ops.aten.embedding_dense_backward(values_ND, chosen_N, num_targets, -1, False)


class _Loss(torch.autograd.Function):
    """See the module."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Any,
        weight: Any,
        bias: Any,
        targets: Any,
        divide_by: Any,
        z_loss: float,
        read: Callable[..., _Chunk],
        chunks: list[slice],
    ) -> Any:
        cast = weight.to(hidden.dtype)
        scale = 1 / divide_by
        needs = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        chosen_N = targets.clamp(min=0)
        d_hidden = torch.empty_like(hidden) if needs else None
        d_weight = d_bias = None
        slopes_of_targets: list[Any] = []
        total = nats = torch.zeros((), device=hidden.device)
        for part in chunks:
            rows = hidden[part]
            chunk = read(logits_of(rows, cast, bias), targets[part], scale, z_loss)
            total, nats = total + chunk.loss, nats + chunk.nats
            if d_hidden is None:
                continue
            powers = chunk.powers_NV
            powers[torch.arange(len(rows), device=rows.device), chosen_N[part]] = 0
            d_hidden[part] = (powers @ cast).float() * chunk.slope_N1 + weight[chosen_N[part]] * chunk.slope_of_target_N1
            d_weight = _sum(d_weight, powers.t() @ (rows * chunk.slope_N1).to(rows.dtype))
            if bias is not None:
                d_bias = _sum(d_bias, (powers.t() @ chunk.slope_N1.to(rows.dtype))[:, 0])
            slopes_of_targets.append(chunk.slope_of_target_N1)
        if d_weight is not None:
            slopes_N1 = torch.cat(slopes_of_targets)
            d_weight += _by_target(hidden * slopes_N1, chosen_N, len(weight))
            if d_bias is not None:
                d_bias += _by_target(slopes_N1, chosen_N, len(weight))[:, 0]
        ctx.save_for_backward(d_hidden, d_weight, d_bias)
        ctx.mark_non_differentiable(nats)
        return total, nats

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        slope = grads[0]
        if slope.device.type == "cpu" and not is_fake(slope) and float(slope) == 1.0:
            scaled = ctx.saved_tensors
        else:
            scaled = [None if made is None else (made.float() * slope).to(made.dtype) for made in ctx.saved_tensors]
        return scaled[0], scaled[1], scaled[2], None, None, None, None, None
