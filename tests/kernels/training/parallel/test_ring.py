"""Attention to keys that go round between processes is attention, and no scores stand behind it."""

from typing import Any, NamedTuple

import pytest
import torch

from kernels.models.reading import Sight
from kernels.specs.layout import Layout, Rank
from kernels.training.parallel import ring
from kernels.training.parallel.positions import own_stretches, stretches_of
from kernels.training.parallel.ring import Ring
from kernels.training.parallel.team import Team, join
from tests.held_memory import held_bytes
from tests.processes import on_processes

ROWS, GROUPS, REPEATS, LENGTH, WIDTH = 2, 2, 2, 16, 8


class Case(NamedTuple):
    """What is attended to."""

    is_causal: bool = False
    with_prefix: bool = False
    window: int | None = None
    with_bias: bool = False
    num_keys: int = LENGTH


class Heads(NamedTuple):
    """Queries, keys and values of whole rows, a bias, and the gradient of what is seen."""

    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    bias: torch.Tensor | None
    gradient: torch.Tensor


def drawn(case: Case) -> tuple[Heads, Sight]:
    generator = torch.Generator().manual_seed(0)
    q, gradient = (torch.randn(ROWS, GROUPS, REPEATS, LENGTH, WIDTH, generator=generator, dtype=torch.float64) for _ in range(2))
    k, v = (torch.randn(ROWS, GROUPS, case.num_keys, WIDTH, generator=generator, dtype=torch.float64) for _ in range(2))
    bias = torch.randn(GROUPS, REPEATS, LENGTH, case.num_keys, generator=generator, dtype=torch.float64) if case.with_bias else None
    of_queries, of_keys = (torch.arange(length)[None] >= torch.tensor([[length // 3], [length // 2]]) for length in (LENGTH, case.num_keys))
    prefix = torch.arange(case.num_keys)[None].expand(ROWS, -1) % 8 < 3 if case.with_prefix else None
    return Heads(q, k, v, bias, gradient), Sight(of_queries.int(), of_keys.int(), case.is_causal, prefix, case.window)


def plain(heads: Heads, sight: Sight) -> list[torch.Tensor]:
    """Return what is seen and the gradients of all, in float64 and as a whole."""
    leaves = [each.clone().requires_grad_() for each in heads[:4] if each is not None]
    scores = torch.einsum("bgrtk,bgsk->bgrts", leaves[0], leaves[1]) + (leaves[3] if len(leaves) > 3 else 0.0)
    scores = scores.masked_fill(~sight.between(slice(None), slice(None))[:, None, None], float("-inf"))
    seen = torch.einsum("bgrts,bgsk->bgrtk", scores.softmax(-1), leaves[2])
    return [seen.detach(), *torch.autograd.grad(seen, leaves, heads.gradient)]


def own(heads: Heads, team: Team) -> Heads:
    """Return what a process has of them: its queries and keys, and the bias of its queries."""

    def leaf(whole: torch.Tensor, dim: int) -> torch.Tensor:
        return own_stretches(whole.float(), team, dim).requires_grad_()

    bias = None if heads.bias is None else leaf(heads.bias, 2)
    return Heads(leaf(heads.q, 3), leaf(heads.k, 2), leaf(heads.v, 2), bias, leaf(heads.gradient, 3).detach())


def differences(rank: Rank, case: Case) -> list[float]:
    """Return the largest difference of what a process sees, and of each gradient, from a whole one, tile by tile."""
    ring.SCORES_OF_TILE = {"cpu": ROWS * GROUPS * REPEATS * 2**2}
    heads, sight = drawn(case)
    expected = plain(heads, sight)
    team = join(rank, "cpu")
    mine = own(heads, team)
    seen = Ring(sight, team).attend(*mine[:4])
    leaves = [each for each in mine[:4] if each is not None]
    found = [seen.detach(), *torch.autograd.grad(seen, leaves, mine.gradient)]
    dims = [3, 3, 2, 2, 2]
    team.leave()
    return [float((each.double() - own_stretches(whole, team, dim)).abs().max()) for each, whole, dim in zip(found, expected, dims, strict=False)]


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize(
    "case",
    [
        Case(),
        Case(is_causal=True),
        Case(is_causal=True, with_prefix=True),
        Case(window=3),
        Case(is_causal=True, with_bias=True),
        Case(num_keys=24, with_bias=True),
    ],
)
def test_what_is_seen_and_all_gradients_are_those_of_whole_rows(count: int, case: Case) -> None:
    for of_process in on_processes(Layout(processes=count, context=count), differences, case):
        assert len(of_process) == 4 + case.with_bias and max(of_process) < 5e-6


def held(rank: Rank) -> int:
    """Return the bytes that a process holds between its passes through attention, keys, queries and values not among them."""
    team = join(rank, "cpu")
    heads, sight = drawn(Case(is_causal=True))
    mine = own(heads, team)
    made = Ring(sight, team)
    return held_bytes(lambda: made.attend(*mine[:4]).sum(), [*mine[:3], sight.queries_BT, sight.keys_BS])


def test_a_process_holds_what_its_queries_saw_and_the_logarithms_of_their_sums_and_no_scores() -> None:
    num_queries = ROWS * GROUPS * REPEATS * LENGTH // 2
    most = 4 * (num_queries * WIDTH + num_queries + 1)
    assert all(of_process == most for of_process in on_processes(Layout(processes=2, context=2), held))


def test_every_process_has_as_many_stretches_to_attend_to_where_what_is_ahead_is_not_seen() -> None:
    segments = torch.zeros(1, 32, dtype=torch.int32)
    sight, count = Sight(segments, segments, is_causal=True), 4
    own_places = [stretches_of(32, index, count) for index in range(count)]
    all_places = [each for places in own_places for each in places]
    seen = [sum(sight.reaches(queries, keys) for queries in places for keys in all_places) for places in own_places]
    assert seen == [9] * count


@pytest.mark.parametrize("sight", [{"is_causal": True}, {"window": 2}, {"window": 5, "is_causal": True}, {}])
def test_what_cannot_be_reached_is_what_no_query_sees(sight: dict[str, Any]) -> None:
    segments = torch.zeros(1, 16, dtype=torch.int32)
    chosen = Sight(segments, segments, **sight)
    stretches = [slice(start, start + 4) for start in range(0, 16, 4)]
    for queries in stretches:
        for keys in stretches:
            assert chosen.reaches(queries, keys) == bool(chosen.between(queries, keys).any())
