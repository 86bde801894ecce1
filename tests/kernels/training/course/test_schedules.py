"""Learning rates: each kind against numbers worked out by hand, and what a schedule refuses."""

from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from kernels.training.course.schedules import Course, ScheduleConfig, check_course, first_decayed_step, learning_rate_at

STABLE = ScheduleConfig(kind="warmup_stable_decay", decay_share=0.4, decay_shape="linear")


def course(schedule: ScheduleConfig, *, num_steps: int = 10, warmup_steps: int = 2, min_ratio: float = 0.0) -> Course:
    return Course(peak=1.0, num_steps=num_steps, warmup_steps=warmup_steps, min_ratio=min_ratio, schedule=schedule)


def rates(chosen: Course) -> list[float]:
    return [learning_rate_at(step, chosen) for step in range(chosen.num_steps)]


@pytest.mark.parametrize("kind", ["cosine", "linear", "warmup_stable_decay"])
def test_the_warm_up_rises_along_a_line_to_the_peak(kind: Any) -> None:
    assert rates(course(ScheduleConfig(kind=kind), warmup_steps=4))[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_cosine_stands_at_half_its_height_in_the_middle_and_would_reach_the_floor_behind_the_last_step() -> None:
    found = rates(course(ScheduleConfig(), num_steps=6, min_ratio=0.5))
    assert found == pytest.approx([0.5, 1.0, 1.0, 0.5 + 0.25 * (1 + 2**-0.5), 0.75, 0.5 + 0.25 * (1 - 2**-0.5)])


def test_a_line_falls_by_equal_steps() -> None:
    assert rates(course(ScheduleConfig(kind="linear"), num_steps=6, min_ratio=0.2)) == pytest.approx([0.5, 1.0, 1.0, 0.8, 0.6, 0.4])


def test_a_stable_schedule_holds_the_peak_until_its_last_share() -> None:
    assert rates(course(STABLE)) == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_a_fall_by_one_minus_a_square_root_is_steep_at_first() -> None:
    schedule = ScheduleConfig(kind="warmup_stable_decay", decay_share=0.4)
    assert rates(course(schedule))[6:] == pytest.approx([1.0, 0.5, 1 - 0.5**0.5, 1 - 0.75**0.5])


def test_stable_trainings_of_two_lengths_are_alike_until_the_shorter_one_falls() -> None:
    short, long = rates(course(STABLE, num_steps=10)), rates(course(STABLE, num_steps=40))
    assert short[:7] == long[:7] and short[7:] != long[7:10]


@pytest.mark.parametrize("kind", ["cosine", "linear", "warmup_stable_decay"])
def test_a_rate_never_rises_again_nor_falls_below_its_floor(kind: Any) -> None:
    found = rates(course(ScheduleConfig(kind=kind), num_steps=50, min_ratio=0.1))[2:]
    assert all(before >= after for before, after in pairwise(found)) and min(found) > 0.1


def test_a_small_share_still_falls_for_one_step() -> None:
    assert first_decayed_step(course(ScheduleConfig(kind="warmup_stable_decay", decay_share=0.001))) == 9


def test_a_training_without_warm_up_begins_at_the_peak() -> None:
    assert rates(course(ScheduleConfig(kind="linear"), num_steps=2, warmup_steps=0)) == [1.0, 0.5]


@pytest.mark.parametrize("step", [-1, 10])
def test_a_step_outside_of_the_training_has_no_rate(step: int) -> None:
    with pytest.raises(ValueError, match=f"step {step} is none of the 10 steps"):
        learning_rate_at(step, course(STABLE))


def test_a_decay_share_of_a_cosine_is_refused_by_its_own_key() -> None:
    with pytest.raises(ValidationError) as caught:
        ScheduleConfig(kind="cosine", decay_share=0.1)
    assert [fault.get("ctx", {}).get("key") for fault in caught.value.errors()] == ["decay_share"]


def test_a_warm_up_longer_than_the_training_is_a_fault() -> None:
    with pytest.raises(ValueError, match="11 is more than num_steps, 10"):
        check_course(course(ScheduleConfig(), warmup_steps=11))


def test_a_decay_that_begins_in_the_warm_up_is_a_fault() -> None:
    with pytest.raises(ValueError, match="the decay begins with step 7, before the warm-up of 7 steps ends"):
        check_course(course(STABLE, warmup_steps=7))
    check_course(course(STABLE, warmup_steps=6))


@pytest.mark.parametrize("kind", ["cosine", "linear", "warmup_stable_decay"])
def test_a_schedule_that_is_written_out_with_all_its_keys_is_read_again(kind: Any) -> None:
    schedule = ScheduleConfig(kind=kind)
    assert ScheduleConfig.model_validate(schedule.model_dump(mode="json")) == schedule
