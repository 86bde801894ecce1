"""Cases in which kernels of attention are held against attention in float64, as it is written down."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import torch

from kernels.models.blocks.flash.sequences import Rule
from kernels.models.blocks.flash.tiling import Tiling

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
ERRORS = {"fp32": 1e-5, "bf16": 3e-2, "fp16": 3e-3}
"""Largest ones that are let pass, of values near 1 or less, else in proportion: about four units in the last place of half types.

Triton's interpreter cuts bfloat16 off where a GPU rounds.
"""
WIDTHS = (16, 64, 24, 128, 32, 80, 96, 256)
HEADS = ((2, 2), (4, 2), (3, 1), (1, 1), (6, 2))
"""Of queries, and of keys."""


class Sees(NamedTuple):
    """A rule, before it is known how many heads there are."""

    causal: bool
    window: int | None = None
    has_slopes: bool = False

    def rule(self, num_heads: int) -> Rule:
        """Return the rule for some heads."""
        return Rule(self.causal, self.window, torch.tensor([2.0 ** (-3 - head) for head in range(num_heads)]) if self.has_slopes else None)


class Packed(NamedTuple):
    """A case of FlashAttention."""

    queries: tuple[int, ...]
    keys: tuple[int, ...]
    num_heads: int
    num_groups: int
    sees: Sees
    width: int
    dtype: str
    tiling: Tiling | None
    """None takes those of a GPU."""


class Paged(NamedTuple):
    """A case of decoding."""

    lengths: tuple[int, ...]
    num_heads: int
    num_groups: int
    sees: Sees
    width: int
    dtype: str
    part: int
    """Keys that a program reads."""
    keys: int
    """Of a tile."""


LENGTHS = [
    ((1,), (1,)),
    ((2, 1, 3), (2, 1, 3)),
    ((16,), (16,)),
    ((17, 5), (17, 5)),
    ((13, 1, 31), (13, 1, 31)),
    ((37,), (37,)),
    ((1, 8, 3), (33, 8, 20)),
    ((19, 0, 7), (47, 11, 7)),
    ((53, 32), (53, 48)),
]
SEES = [
    Sees(True),
    Sees(False),
    Sees(True, 1),
    Sees(True, 18),
    Sees(False, 20),
    Sees(True, 23, True),
    Sees(True, None, True),
    Sees(False, None, True),
]
TILINGS = [Tiling(16, 16, 4, 1), Tiling(32, 16, 4, 1), None, Tiling(16, 32, 4, 1)]


def packed_cases(every: int) -> list[Packed]:
    """Return one in so many of all lengths by rules by heads, widths, types and tiles going round, and those whose windows end within tiles."""
    found: list[Packed] = []
    for lengths in LENGTHS:
        for sees in SEES:
            for heads in HEADS:
                number = len(found)
                dtype = list(DTYPES)[number // 3 % 3]
                found.append(Packed(*lengths, *heads, sees, WIDTHS[number % 8], dtype, TILINGS[number // 5 % 4]))
    windows = [(((53,), (53,)), Sees(True, 18)), (((61,), (90,)), Sees(False, 23))]
    always = [Packed(*lengths, 1, 1, sees, 16, "fp32", TILINGS[0]) for lengths, sees in windows]
    return [*always, *random.Random(1).sample(found, len(found) // every)]


PAGED_LENGTHS = [(1,), (2, 17, 1), (16, 32), (33, 5, 64, 65), (127, 3), (131,)]
PAGED_SEES = [Sees(True), Sees(True, 1), Sees(True, 6), Sees(True, 40), Sees(True, None, True), Sees(True, 50, True)]


def paged_cases(every: int) -> list[Paged]:
    """Return one in so many of all lengths by rules by heads, and one that is as long as a GPU's parts."""
    found: list[Paged] = []
    for lengths in PAGED_LENGTHS:
        for sees in PAGED_SEES:
            for heads in HEADS:
                number = len(found)
                part, keys = [(64, 16), (32, 32), (48, 16), (256, 64)][number % 4]
                found.append(Paged(lengths, *heads, sees, WIDTHS[number // 3 % 8], list(DTYPES)[number // 2 % 3], part, keys))
    return [Paged((700, 256, 257), 2, 1, Sees(True), 16, "fp32", 256, 64), *random.Random(1).sample(found, len(found) // every)]


def drawn(shape: Sequence[int], dtype: str, chance: torch.Generator) -> torch.Tensor:
    """Return normal values of a type."""
    return torch.randn(*shape, generator=chance).to(DTYPES[dtype])


def attention(q_THK: torch.Tensor, k_SGK: torch.Tensor, v_SGK: torch.Tensor, rule: Rule, scale: float) -> torch.Tensor:
    """Return what queries of a sequence see, in the type they are of, by the formula."""
    repeats = q_THK.shape[1] // k_SGK.shape[1]
    k_SHK, v_SHK = (x.repeat_interleave(repeats, 1) for x in (k_SGK, v_SGK))
    scores_HTS = torch.einsum("thk,shk->hts", q_THK, k_SHK) * scale
    _, num_queries, num_keys = scores_HTS.shape
    for query in range(num_queries):
        position = num_keys - num_queries + query
        for key in range(num_keys):
            if rule.slopes_H is not None and key < position:
                scores_HTS[:, query, key] -= rule.slopes_H * (position - key)
            if (rule.causal and key > position) or (rule.window is not None and abs(position - key) >= rule.window):
                scores_HTS[:, query, key] = float("-inf")
    return torch.einsum("hts,shk->thk", scores_HTS.softmax(-1), v_SHK)
