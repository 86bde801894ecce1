"""The loss scale as a machine of two numbers."""

import json
from collections.abc import Iterable

import pytest
from pydantic import ValidationError

from kernels.training.execution.scaling import Scaling, ScalingConfig, first_scaling, next_scaling, pack, unpack

CONFIG = ScalingConfig(initial_scale=8.0, growth_interval=3, max_scale=16.0)


def scales(outcomes: Iterable[bool], scaling: Scaling | None = None, config: ScalingConfig = CONFIG) -> list[float]:
    state = scaling or first_scaling(config)
    found = [state.scale]
    for is_finite in outcomes:
        state = next_scaling(state, is_finite, config)
        found.append(state.scale)
    return found


def test_the_scale_doubles_after_a_run_of_finite_steps() -> None:
    assert scales([True] * 4) == [8, 8, 8, 16, 16]


def test_it_halves_at_an_overflow_and_counts_anew() -> None:
    assert scales([True, True, False, True, True, True]) == [8, 8, 8, 4, 4, 4, 8]


def test_it_does_not_grow_past_its_largest() -> None:
    assert scales([True] * 9)[-1] == 16


def test_it_stops_with_a_remedy_where_it_would_fall_below_its_smallest() -> None:
    assert scales([False] * 3) == [8, 4, 2, 1]
    with pytest.raises(FloatingPointError, match=r"overflow at a loss scale of 1, and 0\.5 is below min_scale; train in bfloat16"):
        scales([False] * 4)


def test_it_resumes_from_plain_numbers_as_if_it_had_never_stopped() -> None:
    outcomes = [True, True, False, True, True, True, True, False, True]
    state = first_scaling(CONFIG)
    for is_finite in outcomes[:5]:
        state = next_scaling(state, is_finite, CONFIG)
    resumed = unpack(json.loads(json.dumps(pack(state))))
    assert scales(outcomes[5:], resumed) == scales(outcomes)[5:]


def test_a_small_gradient_survives_half_precision_only_when_scaled() -> None:
    import torch

    weight = torch.ones((), dtype=torch.float16, requires_grad=True)
    for scale, survives in ((1.0, False), (first_scaling(ScalingConfig()).scale, True)):
        loss = (weight * 1e-4).float() * 1e-5
        (gradient,) = torch.autograd.grad(loss * scale, weight)
        assert bool(gradient.float() / scale > 5e-10) is survives


def test_a_first_scale_out_of_range_is_a_fault() -> None:
    with pytest.raises(ValidationError, match="32 is not between 1 and 16"):
        ScalingConfig(initial_scale=32.0, max_scale=16.0)
