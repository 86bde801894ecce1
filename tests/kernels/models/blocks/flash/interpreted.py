"""Runs kernels of attention on the CPU by Triton's interpreter, and prints how far each case is from float64, as a JSON list.

Run as ``TRITON_INTERPRET=1 python -m tests.kernels.models.blocks.flash.interpreted packed 6``: of each 6 cases one. A process of its own, since
Triton knows as it is imported whether it interprets.
"""

import json
import random
import sys
from typing import Any

import torch

from kernels.models.blocks.flash import launching, paged, tiling
from kernels.models.blocks.flash.sequences import packed
from tests.kernels.models.blocks.flash.cases import Packed, Paged, attention, drawn, packed_cases, paged_cases

PAGE = 16


def of_packed(case: Packed, number: int) -> dict[str, float]:
    """Return the largest errors of what is seen and of gradients."""
    if case.tiling is not None:
        tiling.of_forward = tiling.of_queries = tiling.of_keys = lambda *_: case.tiling
    chance = torch.Generator().manual_seed(number)
    shapes = [(sum(case.queries), case.num_heads), (sum(case.keys), case.num_groups), (sum(case.keys), case.num_groups)]
    given = [drawn((*shape, case.width), case.dtype, chance).requires_grad_() for shape in shapes]
    slope = drawn((sum(case.queries), case.num_heads, case.width), case.dtype, chance)
    rule, scale = case.sees.rule(case.num_heads), case.width**-0.5
    kernels: Any = launching.FlashAttention
    seen = kernels.apply(*given, packed(case.queries, slope.device), packed(case.keys, slope.device), rule, scale)
    found = [seen, *torch.autograd.grad(seen, given, slope)]
    wide = [each.detach().double().requires_grad_() for each in given]
    parts = [x.split(list(lengths)) for x, lengths in zip(wide, (case.queries, case.keys, case.keys), strict=True)]
    expected = torch.cat([attention(*each, rule, scale) for each in zip(*parts, strict=True)])
    errors = [expected, *torch.autograd.grad(expected, wide, slope.double())]
    return dict(zip(("seen", "d_q", "d_k", "d_v"), map(_error, found, errors), strict=True))


def of_paged(case: Paged, number: int) -> dict[str, float]:
    """Return the largest error of what is seen; pages lie in any order, among others that hold infinities."""
    tiling.PART = case.part
    tiling.of_parts = lambda _, repeats, __: tiling.Tiling(tiling.padded(repeats), case.keys, 4, 1)
    chance, order = torch.Generator().manual_seed(number), random.Random(number)
    counts = [-(-length // PAGE) for length in case.lengths]
    pages = order.sample(range(sum(counts) + 3), sum(counts))
    tables = torch.full((len(counts), max(counts)), -1, dtype=torch.int32)
    k = torch.full(((sum(counts) + 3) * PAGE, case.num_groups, case.width), float("inf")).to(drawn((1,), case.dtype, chance).dtype)
    v = k.clone()
    q = drawn((len(counts), case.num_heads, case.width), case.dtype, chance)
    rule, scale, expected = case.sees.rule(case.num_heads), case.width**-0.5, list[torch.Tensor]()
    for row, length in enumerate(case.lengths):
        own = [pages.pop() for _ in range(counts[row])]
        tables[row, : len(own)] = torch.tensor(own)
        places = [own[index // PAGE] * PAGE + index % PAGE for index in range(length)]
        k[places], v[places] = (drawn((length, case.num_groups, case.width), case.dtype, chance) for _ in range(2))
        expected.append(attention(q[row : row + 1].double(), k[places].double(), v[places].double(), rule, scale))
    lengths = torch.tensor(case.lengths, dtype=torch.int32)
    seen = paged.attend_pages(q, k, v, paged.Tables(tables, lengths, max(case.lengths), PAGE), rule, scale=scale)
    return {"seen": _error(seen, torch.cat(expected))}


def _error(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the largest difference, for values above 1 in proportion to them; infinite where there is no number."""
    found, expected = found.detach().double(), expected.detach()
    return float(((found - expected).abs() / expected.abs().clamp(min=1)).nan_to_num(float("inf")).max())


def multiply_bfloat16() -> None:
    """Have Triton's interpreter multiply bfloat16 as numbers: it keeps their bits as integers, and its products (Triton 3.9) take them for such."""
    import triton.language as tl
    from triton.runtime.interpreter import interpreter_builder as builder

    as_it_is: Any = builder.create_dot

    def create_dot(a: Any, b: Any, *told: Any) -> Any:
        return as_it_is(*(builder.cast_impl(x, tl.float32) if x.dtype == tl.bfloat16 else x for x in (a, b)), *told)

    builder.create_dot = create_dot


def main(kind: str, every: int) -> None:
    """Run one in so many cases of a kind."""
    multiply_bfloat16()
    kept = tiling.of_forward, tiling.of_queries, tiling.of_keys
    found: list[tuple[str, str, dict[str, float]]] = []
    for number, case in enumerate(packed_cases(every) if kind == "packed" else paged_cases(every)):
        tiling.of_forward, tiling.of_queries, tiling.of_keys = kept
        found.append((str(case), case.dtype, of_packed(case, number) if isinstance(case, Packed) else of_paged(case, number)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
