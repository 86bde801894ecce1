"""As many layers stay as the memory admits, and those that pass stand apart."""

import random

import pytest

from kernels.inference.streaming.plan import NUM_BUFFERS, Plan, Sizes, planned


def test_a_plan_keeps_to_its_budget_and_wastes_no_room_for_a_layer() -> None:
    chance = random.Random(1)
    for _ in range(500):
        sizes = Sizes(chance.randrange(1, 90), chance.randrange(1, 1000), *(chance.randrange(1000) for _ in range(3)))
        beside = sizes.outside + sizes.cache + sizes.step
        budget = beside + chance.randrange(NUM_BUFFERS, 95) * sizes.layer + chance.randrange(sizes.layer)
        plan = planned(sizes, budget)
        num_held = sizes.num_layers - len(plan.passing) + plan.num_buffers
        assert plan.size_bytes == beside + num_held * sizes.layer <= budget
        assert num_held == sizes.num_layers or plan.size_bytes + sizes.layer > budget
        assert sorted(set(plan.passing)) == list(plan.passing) and (not plan.passing or plan.passing[-1] < sizes.num_layers)


def test_layers_that_pass_stand_apart() -> None:
    assert planned(Sizes(12, 10, 0, 0, 0), 100) == Plan((0, 3, 6, 9), 2, 100)
    assert planned(Sizes(4, 10, 5, 5, 5), 35) == Plan((0, 1, 2, 3), 2, 35)
    assert planned(Sizes(4, 10, 5, 5, 5), 55) == Plan((), 0, 55)


@pytest.mark.parametrize(("num_layers", "needed"), [(4, 35), (1, 25)])
def test_memory_that_does_not_do_is_named_beside_what_is_needed(num_layers: int, needed: int) -> None:
    planned(Sizes(num_layers, 10, 5, 5, 5), needed)
    with pytest.raises(ValueError, match=f"memory: {needed - 1} bytes are given and {needed} are needed"):
        planned(Sizes(num_layers, 10, 5, 5, 5), needed - 1)
