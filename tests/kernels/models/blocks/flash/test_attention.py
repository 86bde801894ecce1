"""What kernels of attention see, and their gradients, are those of attention in float64; so is what is computed where no GPU is."""

import json
import os
import subprocess
import sys

import pytest
import torch

from kernels.models.blocks.flash.attention import attend_packed
from kernels.models.blocks.flash.sequences import Packed, Rule, packed
from tests.kernels.models.blocks.flash import cases

LEAST_PACKED, LEAST_PAGED = 32, 46
"""Cases that are run each time."""


def far_from_float64(kind: str, every: int) -> tuple[int, list[object]]:
    """Return how many cases were run, and those that were too far from float64."""
    call = [sys.executable, "-W", "error", "-m", "tests.kernels.models.blocks.flash.interpreted", kind, str(every)]
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return len(found), [case for case in found if max(case[2].values()) > cases.ERRORS[case[1]]]


def test_packed_sequences_see_what_they_see_in_float64_and_so_do_their_gradients() -> None:
    count, far = far_from_float64("packed", 12)
    assert count >= LEAST_PACKED and far == []


def test_single_queries_see_what_they_see_in_float64_from_pages_in_any_order() -> None:
    count, far = far_from_float64("paged", 4)
    assert count >= LEAST_PAGED and far == []


@pytest.mark.slow
def test_every_case_of_packed_sequences_is_as_in_float64() -> None:
    count, far = far_from_float64("packed", 1)
    assert count == len(cases.LENGTHS) * len(cases.SEES) * len(cases.HEADS) + 2 and far == []


@pytest.mark.slow
def test_every_case_of_single_queries_is_as_in_float64() -> None:
    count, far = far_from_float64("paged", 1)
    assert count == len(cases.PAGED_LENGTHS) * len(cases.PAGED_SEES) * len(cases.HEADS) + 1 and far == []


@pytest.mark.parametrize("case", [each._replace(dtype="fp32") for each in cases.packed_cases(12)])
def test_without_a_gpu_sequences_see_what_they_see_in_float64(case: cases.Packed) -> None:
    chance = torch.Generator().manual_seed(1)
    q, k, v = (
        cases.drawn((sum(lengths), heads, case.width), "fp32", chance)
        for lengths, heads in ((case.queries, case.num_heads), (case.keys, case.num_groups), (case.keys, case.num_groups))
    )
    rule, scale = case.sees.rule(case.num_heads), case.width**-0.5
    parts = (x.double().split(list(lengths)) for x, lengths in ((q, case.queries), (k, case.keys), (v, case.keys)))
    expected = torch.cat([cases.attention(*each, rule, scale) for each in zip(*parts, strict=True)])
    seen = attend_packed(q, k, v, packed(case.queries, q.device), packed(case.keys, q.device), rule, scale=scale)
    torch.testing.assert_close(seen.double(), expected, rtol=1e-5, atol=1e-5)


def test_reads_that_fit_no_kernel_are_refused_by_name() -> None:
    def refused(match: str, q: torch.Tensor, k: torch.Tensor, queries: Packed, keys: Packed, rule: Rule) -> None:
        with pytest.raises(ValueError, match=match):
            attend_packed(q, k, k, queries, keys, rule, scale=1.0)

    q, k, device = torch.ones(4, 2, 16), torch.ones(6, 1, 16), torch.device("cpu")
    queries, keys, causal = packed([3, 1], device), packed([3, 3], device), Rule(causal=True)
    refused("heads do not fit", q, torch.ones(6, 3, 16), queries, keys, causal)
    refused("have all of one type", q.half(), k, queries, keys, causal)
    refused("sequences have 4 and 5", q, k, queries, packed([3, 2], device), causal)
    refused("more queries than keys", q, k, queries, packed([2, 4], device), causal)
    refused("a window of 0", q, k, queries, keys, Rule(causal=True, window=0))
    refused("2 query heads", q, k, queries, keys, Rule(causal=True, slopes_H=torch.ones(3)))
