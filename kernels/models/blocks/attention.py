"""Attention of queries at keys. Shape letters: B rows, G key heads, R query heads a key head, T queries, S keys, K width of a head.

On the CPU it is matrix products, softmax and matrix products in query blocks: PyTorch's own fused attention runs at a quarter of the speed of its
matrix products there. A causal stack's first half of queries never meets the second half of keys. The division by the softmax's sum is left to the
end, and the gradient takes the sum of products that it needs from the output (both as in Dao et al. 2022, arXiv 2205.14135). On a GPU PyTorch's
own attention is called: compiled, by blocks (block_masks.py), which an H100 does five times as fast as with a mask of 1024 positions, and 25 times as
fast with one of 4096 in eight documents. Where a bias learns, PyTorch has no fused attention whose gradients are the same bits each time, and what it
does instead keeps and multiplies float32: there, uncompiled, a GPU does as the CPU does, in two thirds of the memory of an H200's step.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch

from kernels.models.blocks.block_masks import Seen, attend_in_blocks

CAUSAL_BLOCKS = 2
"""Query blocks of a causal stack: three quarters of the products of one. Four save an eighth more of them and lose it in smaller products."""


class KeysElsewhere(ABC):
    """Who sees whom where keys stand elsewhere too: it attends by itself."""

    @abstractmethod
    def attend(self, q_BGRTK: torch.Tensor, k_BGSK: torch.Tensor, v_BGSK: torch.Tensor, bias_GRTS: torch.Tensor | None) -> torch.Tensor:
        """Return what `attend` does, of the queries that stand here; the bias is of them and all keys."""


def attend(
    q_BGRTK: torch.Tensor,
    k_BGSK: torch.Tensor,
    v_BGSK: torch.Tensor,
    mask_BTS: Seen | None,
    bias_GRTS: torch.Tensor | None = None,
    *,
    causal: bool = False,
) -> torch.Tensor:
    """Return what each query head sees, [B, G, R, T, K]. Queries are scaled already.

    Args:
        q_BGRTK: queries.
        k_BGSK: keys.
        v_BGSK: values.
        mask_BTS: added to scores, float32, [B, 1, T, S], or blocks, or what knows of keys elsewhere.
        bias_GRTS: added to scores, float32; gradients flow into it.
        causal: whether no query sees a key behind it, by the mask (T equal to S): spares work and changes nothing.
    """
    if isinstance(mask_BTS, KeysElsewhere):
        return mask_BTS.attend(q_BGRTK, k_BGSK, v_BGSK, bias_GRTS)
    if mask_BTS is not None and not torch.is_tensor(mask_BTS):
        return attend_in_blocks(q_BGRTK, k_BGSK, v_BGSK, mask_BTS, bias_GRTS)
    learns = bias_GRTS is not None and bias_GRTS.requires_grad
    if q_BGRTK.device.type == "cuda" and (torch.compiler.is_compiling() or not learns):
        return _attend_on_gpu(q_BGRTK, k_BGSK, v_BGSK, mask_BTS, bias_GRTS)
    blocks = CAUSAL_BLOCKS if causal and q_BGRTK.shape[3] % CAUSAL_BLOCKS == 0 and q_BGRTK.shape[3] == k_BGSK.shape[2] else 1
    core: Any = _Attention
    return core.apply(q_BGRTK, k_BGSK, v_BGSK, mask_BTS, bias_GRTS, blocks)


def _attend_on_gpu(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None, bias: torch.Tensor | None) -> torch.Tensor:
    added: Any = None if mask is None else mask[:, :, None]
    if bias is not None:
        added = bias[None] if added is None else added + bias[None]
    repeats = q.shape[2]
    keys, values = (x[:, :, None].expand(-1, -1, repeats, -1, -1).flatten(1, 2) for x in (k, v))
    if added is not None:
        if q.dtype == torch.float16:
            added = added.clamp(min=torch.finfo(q.dtype).min)  # `MASKED` would be infinite, and what sees nothing give no number
        added = added.to(q.dtype).expand(q.shape[0], q.shape[1], repeats, -1, -1).flatten(1, 2)
    seen = torch.nn.functional.scaled_dot_product_attention(q.flatten(1, 2), keys, values, added, scale=1.0)
    return seen.view(q.shape)


class _Attention(torch.autograd.Function):
    """See the module: forward keeps the exponentials of each query block and the inverse of their sums."""

    @staticmethod
    def forward(ctx: Any, q: Any, k: Any, v: Any, mask: Any, bias: Any, blocks: int) -> Any:
        num_rows, groups, repeats, num_queries, width = q.shape
        batch, num_keys, size = num_rows * groups, k.shape[2], num_queries // blocks
        keys, values = k.reshape(batch, num_keys, width), v.reshape(batch, num_keys, width)
        outs: list[Any] = []
        kept: list[Any] = []
        for block in range(blocks):
            start, stop, end = block * size, (block + 1) * size, num_keys if blocks == 1 else (block + 1) * size
            queries = q[:, :, :, start:stop].reshape(batch, repeats * size, width)
            scores = torch.bmm(queries, keys[:, :end].transpose(1, 2)).view(num_rows, groups, repeats, size, end).float()
            if mask is not None:
                scores += mask[:, :, None, start:stop, :end]
            if bias is not None:
                scores += bias[None, :, :, start:stop, :end]
            scores -= scores.amax(-1, keepdim=True)
            powers = scores.exp_()  # in place, here and in the gradient: where nothing is compiled, memory anew costs more than arithmetic
            inverse = 1 / powers.sum(-1, keepdim=True)
            powers = powers.to(q.dtype)
            seen = torch.bmm(powers.view(batch, repeats * size, end), values[:, :end]).view(num_rows, groups, repeats, size, width)
            outs.append((seen.float() * inverse).to(q.dtype))
            kept += [powers, inverse]
        out = torch.cat(outs, 3) if blocks > 1 else outs[0]
        ctx.save_for_backward(q, k, v, out, *kept)
        ctx.blocks, ctx.bias_learns = blocks, ctx.needs_input_grad[4]
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (d_out,) = grads
        q, k, v, out, *kept = ctx.saved_tensors
        blocks = ctx.blocks
        num_rows, groups, repeats, num_queries, width = q.shape
        batch, num_keys, size = num_rows * groups, k.shape[2], num_queries // blocks
        keys, values = k.reshape(batch, num_keys, width), v.reshape(batch, num_keys, width)
        d_queries: list[Any] = []
        d_keys: list[Any] = []
        d_values: list[Any] = []
        d_bias: list[Any] = []
        for block in range(blocks):
            start, stop, end = block * size, (block + 1) * size, num_keys if blocks == 1 else (block + 1) * size
            powers, inverse = kept[2 * block], kept[2 * block + 1]
            d_seen = d_out[:, :, :, start:stop].float() * inverse
            products = (d_seen * out[:, :, :, start:stop].float()).sum(-1, keepdim=True)
            d_seen = d_seen.to(q.dtype).reshape(batch, repeats * size, width)
            flat = powers.view(batch, repeats * size, end)
            d_values.append(torch.bmm(flat.transpose(1, 2), d_seen))
            d_scores = torch.bmm(d_seen, values[:, :end].transpose(1, 2)).view(num_rows, groups, repeats, size, end).float()
            d_scores -= products
            d_scores *= powers
            d_scores = d_scores.to(q.dtype).view(batch, repeats * size, end)
            if ctx.bias_learns:
                of_rows = d_scores.view(num_rows, groups, repeats, size, end)
                d_bias.append(torch.nn.functional.pad(of_rows.sum(0, dtype=torch.float32), (0, num_keys - end)))
            d_queries.append(torch.bmm(d_scores, keys[:, :end]).view(num_rows, groups, repeats, size, width))
            d_keys.append(torch.bmm(d_scores.transpose(1, 2), q[:, :, :, start:stop].reshape(batch, repeats * size, width)))
        d_q = torch.cat(d_queries, 3) if blocks > 1 else d_queries[0]
        d_k, d_v = (_summed(parts, size).view(k.shape) for parts in (d_keys, d_values))
        return d_q, d_k, d_v, None, torch.cat(d_bias, 2) if ctx.bias_learns else None, None


def _summed(parts: list[Any], size: int) -> Any:
    """Return the sum of gradients of blocks, of which each reaches to its own end, summed in float32."""
    if len(parts) == 1:
        return parts[0]
    stretches: list[Any] = []
    for start in range(len(parts)):
        total = parts[-1][:, start * size : (start + 1) * size].float()
        for part in parts[start:-1]:
            total = total + part[:, start * size : (start + 1) * size].float()
        stretches.append(total.to(parts[-1].dtype))
    return torch.cat(stretches, 1)
