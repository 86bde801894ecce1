"""Starts the kernels of FlashAttention, forward and backward; see attention.py for what they compute and for shape letters."""

import math
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from kernels.models.blocks.flash import tiling
from kernels.models.blocks.flash.backward_keys import by_keys
from kernels.models.blocks.flash.backward_queries import by_queries, multiply
from kernels.models.blocks.flash.forward import attend
from kernels.models.blocks.flash.sequences import Packed, Rule

LOG2_E = math.log2(math.e)
FUSED = True
"""Whether a product and a sum round once, in every kernel."""
PRODUCTS = 64
"""Rows that a program of the kernel of products reads."""


def start(kernel: Any, grid: tuple[int, ...], *given: Any, **constants: Any) -> None:
    """Start the programs of a kernel on the device that the first of what it is given lies on."""
    with torch.cuda.device_of(given[0]):
        kernel[grid](*given, **constants, enable_fp_fusion=FUSED)


def precision_of(dtype: torch.dtype) -> str:
    """Return how tensor cores multiply a type: float32 in three products of its first and last bits, with an error near its own."""
    return "tf32x3" if dtype == torch.float32 else "tf32"


def rows_of(x: torch.Tensor) -> torch.Tensor:
    """Return heads as kernels read them: those of a token one behind the other, tokens any stride apart."""
    return x if x.stride(2) == 1 and x.stride(1) == x.shape[2] else x.contiguous()


class FlashAttention(torch.autograd.Function):
    """See the module."""

    @staticmethod
    def forward(ctx: Any, q: Any, k: Any, v: Any, queries: Packed, keys: Packed, rule: Rule, scale: float) -> Any:
        """Return what queries see; see `kernels.models.blocks.flash.attention.attend_packed`."""
        q, k, v = rows_of(q), rows_of(k), rows_of(v)
        num_rows, num_heads, width = q.shape
        seen = torch.empty(q.shape, dtype=q.dtype, device=q.device)
        sums = torch.empty(num_heads, num_rows, dtype=torch.float32, device=q.device)
        sizes = tiling.of_forward(width, q.element_size())
        grid = (-(-max(queries.lengths) // sizes.queries), num_heads, len(queries.lengths))
        given, constants = _told(q, k, v, queries, keys, rule, sizes)
        start(attend, grid, q, k, v, seen, sums, *given, scale * LOG2_E, rule.window or 0, **constants)
        ctx.save_for_backward(q, k, v, seen, sums)
        ctx.told = queries, keys, rule, scale
        return seen

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the gradients of queries, keys and values."""
        q, k, v, seen, sums = ctx.saved_tensors
        queries, keys, rule, scale = ctx.told
        d_seen = grads[0].contiguous()
        num_rows, num_heads, width = q.shape
        products = torch.empty_like(sums)
        whole = {"width": width, "padded": tiling.padded(width)}
        grid = (-(-num_rows // PRODUCTS), num_heads)
        start(multiply, grid, seen, d_seen, products, num_rows, tile=PRODUCTS, **whole)
        d_q, d_k, d_v = (torch.empty(x.shape, dtype=x.dtype, device=x.device) for x in (q, k, v))
        numbers = scale * LOG2_E, scale, rule.window or 0
        sizes = tiling.of_queries(width, q.element_size())
        given, constants = _told(q, k, v, queries, keys, rule, sizes)
        grid = (-(-max(queries.lengths) // sizes.queries), num_heads, len(queries.lengths))
        start(by_queries, grid, q, k, v, d_seen, sums, products, d_q, *given, *numbers, **constants)
        sizes = tiling.of_keys(width, q.element_size())
        given, constants = _told(q, k, v, queries, keys, rule, sizes)
        grid = (-(-max(keys.lengths) // sizes.keys), k.shape[1], len(keys.lengths))
        start(by_keys, grid, q, k, v, d_seen, sums, products, d_k, d_v, *given, *numbers, **constants)
        return d_q, d_k, d_v, None, None, None, None


def _told(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, queries: Packed, keys: Packed, rule: Rule, sizes: tiling.Tiling
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what each kernel is told of sequences and strides, and its constants."""
    slopes = None if rule.slopes_H is None else rule.slopes_H * LOG2_E
    given = queries.starts_M1, keys.starts_M1, slopes, q.stride(0), k.stride(0), v.stride(0), len(q)
    width = q.shape[2]
    constants = {"repeats": q.shape[1] // k.shape[1], "width": width, "padded": tiling.padded(width), "q_tile": sizes.queries, "k_tile": sizes.keys}
    constants |= {"causal": rule.causal, "windowed": rule.window is not None, "biased": slopes is not None, "precision": precision_of(q.dtype)}
    return given, {**constants, "num_warps": sizes.num_warps, "num_stages": sizes.num_stages}
