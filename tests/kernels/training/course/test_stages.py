"""Stages of batch size and length: whole numbers from a step alone, and back."""

from typing import Any

import pytest

from kernels.training.course.stages import (
    BatchStage,
    LengthStage,
    Plan,
    Reading,
    check_lengths,
    check_stages,
    constant,
    make_plan,
    most_steps,
    num_rows,
    reading_at,
    whole_rows,
)

GROWING = ((0, 2), (0.1, 4), (0.5, 8))
SHRINKING = ((0, 9), (0.3, 2), (0.7, 5))


def batches(*stages: tuple[float, int]) -> list[BatchStage]:
    return [BatchStage.model_validate({"from": start, "batch_size": size}) for start, size in stages]


def lengths(*stages: tuple[float, int]) -> list[LengthStage]:
    return [LengthStage.model_validate({"from": start, "length": length}) for start, length in stages]


def readings(plan: Plan) -> list[Reading]:
    return [reading_at(step, plan) for step in range(plan.num_steps)]


def test_a_constant_batch_reads_as_many_rows_with_every_step() -> None:
    plan = make_plan(3, constant(4), whole_rows(16), 16)
    assert readings(plan) == [Reading(4, 16, 0), Reading(4, 16, 4), Reading(4, 16, 8)] and num_rows(plan) == 12


def test_stages_are_shares_of_tokens_and_not_of_steps() -> None:
    plan = make_plan(9, batches((0, 2), (0.5, 4)), whole_rows(16), 16)  # 24 rows: 6 steps of 2, 3 of 4
    assert [reading.batch_size for reading in readings(plan)] == [2] * 6 + [4] * 3
    assert [reading.first_row for reading in readings(plan)] == [0, 2, 4, 6, 8, 10, 12, 16, 20] and num_rows(plan) == 24


def test_lengths_change_with_tokens_and_leave_rows_alone() -> None:
    plan = make_plan(8, batches((0, 2), (0.5, 6)), lengths((0, 4), (0.25, 16)), 16)  # 24 rows: 6 steps of 2, 2 of 6
    assert [reading.length for reading in readings(plan)] == [4] * 3 + [16] * 5
    alone = make_plan(8, batches((0, 2), (0.5, 6)), whole_rows(16), 16)
    assert [reading.first_row for reading in readings(plan)] == [reading.first_row for reading in readings(alone)]


@pytest.mark.parametrize("stages", [GROWING, SHRINKING])
def test_every_row_is_read_once_and_in_order_whatever_the_number_of_steps(stages: Any) -> None:
    for num_steps in range(1, 60):
        plan = make_plan(num_steps, batches(*stages), whole_rows(8), 8)
        rows = [row for reading in readings(plan) for row in range(reading.first_row, reading.first_row + reading.batch_size)]
        assert rows == list(range(num_rows(plan)))


@pytest.mark.parametrize("stages", [((0, 3),), GROWING, SHRINKING])
def test_the_most_steps_for_some_rows_are_the_most_that_any_plan_shows(stages: Any) -> None:
    totals = {steps: num_rows(make_plan(steps, batches(*stages), whole_rows(8), 8)) for steps in range(1, 200)}
    for rows in range(300):
        assert most_steps(rows, batches(*stages)) == max((steps for steps, total in totals.items() if total <= rows), default=0)


def test_a_share_is_taken_as_it_is_written() -> None:
    plan = make_plan(5, batches((0, 1), (0.7, 1)), whole_rows(8), 8)  # 3.5 steps, which the binary number beside 0.7 has a little less than
    assert [stage.first_step for stage in plan.stages] == [0, 4]


def test_a_plan_of_many_tokens_is_exact() -> None:
    plan = make_plan(3 * 10**15, batches((0, 1), (0.5, 2)), whole_rows(4096), 4096)
    assert [stage.first_step for stage in plan.stages] == [0, 2 * 10**15] and num_rows(plan) == 4 * 10**15
    assert most_steps(4 * 10**15, batches((0, 1), (0.5, 2))) == 3 * 10**15


def test_a_stage_without_a_step_is_passed_over() -> None:
    plan = make_plan(2, batches((0, 1), (0.01, 3), (0.02, 1)), whole_rows(8), 8)
    assert [reading.batch_size for reading in readings(plan)] == [1, 1]


@pytest.mark.parametrize("step", [-1, 3])
def test_a_step_outside_of_the_plan_reads_nothing(step: int) -> None:
    with pytest.raises(ValueError, match=f"step {step} is none of the 3 steps"):
        reading_at(step, make_plan(3, constant(4), whole_rows(16), 16))


@pytest.mark.parametrize(
    ("stages", "fault"),
    [
        ([], "let it begin with 'from: 0'"),
        ([(0.1, 2)], "let it begin with 'from: 0'"),
        ([(0, 2), (0.5, 4), (0.2, 8)], "the stage from 0.2 stands behind that from 0.5"),
        ([(0, 2), (0, 4)], "the stage from 0 stands behind that from 0"),
    ],
)
def test_stages_out_of_order_are_a_fault_of_their_key(stages: list[tuple[float, int]], fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        check_stages("batch_sizes", batches(*stages))
    assert getattr(caught.value, "context", {})["key"] == "batch_sizes"


def test_a_length_that_does_not_divide_a_row_is_a_fault() -> None:
    check_lengths("lengths", lengths((0, 4), (0.5, 16)), 16)
    with pytest.raises(ValueError, match="rows of 16 tokens are no whole number of pieces of 6"):
        check_lengths("lengths", lengths((0, 6)), 16)
