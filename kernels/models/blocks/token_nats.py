"""Cross-entropy of each label by itself, for losses that weigh texts against each other: gradients flow from every one of them.

Where all labels weigh alike, cross_entropy.py is cheaper: it makes gradients on the way, and no logits a second time. Here they are made again in the
backward pass, some rows at a time, so that the logits of a batch never stand as a whole. Shape letters: N positions, D width, V vocabulary.
"""

from typing import Any

import torch

from kernels.models.blocks.cross_entropy import chunks_of, logits_of

LOGITS_OF_CHUNK = 1 << 22
"""Logits at one time: 16 MiB in float32."""


def token_nats(hidden_ND: torch.Tensor, weight_VD: torch.Tensor, targets_N: torch.Tensor, bias_V: torch.Tensor | None = None) -> torch.Tensor:
    """Return how many nats each target costs, [N] float32: the negative logarithm of its probability.

    Args:
        hidden_ND: in the type that matrix products are made in.
        weight_VD: the output layer, in its own type.
        targets_N: token ids, all of them valid.
        bias_V: added to the logits.
    """
    core: Any = _TokenNats
    return core.apply(hidden_ND, weight_VD, bias_V, targets_N)


class _TokenNats(torch.autograd.Function):
    """See the module: forward keeps the logarithm of each softmax's sum."""

    @staticmethod
    def forward(ctx: Any, hidden: Any, weight: Any, bias: Any, targets: Any) -> Any:
        cast = weight.to(hidden.dtype)
        log_sums = torch.empty(len(hidden), device=hidden.device)
        nats = torch.empty_like(log_sums)
        for chunk in chunks_of(len(hidden), len(weight), LOGITS_OF_CHUNK):
            logits = logits_of(hidden[chunk], cast, bias).float()
            log_sums[chunk] = logits.logsumexp(-1)
            nats[chunk] = log_sums[chunk] - logits.gather(1, targets[chunk, None])[:, 0]
        ctx.save_for_backward(hidden, weight, bias, targets, log_sums)
        return nats

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (slope_N,) = grads
        hidden, weight, bias, targets, log_sums = ctx.saved_tensors
        cast = weight.to(hidden.dtype)
        d_hidden = torch.empty_like(hidden)
        d_weight = torch.zeros_like(weight, dtype=torch.float32)
        d_bias = None if bias is None else torch.zeros_like(bias, dtype=torch.float32)
        for chunk in chunks_of(len(hidden), len(weight), LOGITS_OF_CHUNK):
            slope = slope_N[chunk, None]
            gradient = logits_of(hidden[chunk], cast, bias).float().sub_(log_sums[chunk, None]).exp_().mul_(slope)
            gradient[torch.arange(len(slope), device=slope.device), targets[chunk]] -= slope[:, 0]
            if d_bias is not None:
                d_bias += gradient.sum(0)
            gradient = gradient.to(hidden.dtype)
            torch.mm(gradient, cast, out=d_hidden[chunk])
            d_weight += gradient.t() @ hidden[chunk]
        return d_hidden, d_weight.to(weight.dtype), d_bias, None
