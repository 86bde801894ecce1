"""The self-test of collective operations: right ones pass, a process that gets something wrong or is slow is named."""

import time
from typing import Any

import pytest
import torch

from kernels.specs.layout import Layout, Rank
from kernels.training.parallel.collectives import OPERATIONS, Report, measure, slow_of
from kernels.training.parallel.team import join
from tests.processes import on_processes

SIZES = (4, 1000, 1 << 16)


def measured(rank: Rank, faulty: tuple[int, str] | None = None) -> Report:
    team = join(rank, "cpu")

    def spoil(name: str, room: Any) -> Any:
        if faulty == (rank.number, name):
            room.view(torch.int32)[-1] ^= 1
        return room

    return measure(team, "cpu", SIZES, spoil)


@pytest.mark.parametrize("num", [2, 3])
def test_every_operation_gives_what_it_should_at_every_size_and_all_are_told_the_same(num: int) -> None:
    first, *others = on_processes(Layout(processes=num), measured)
    assert others == [first] * (num - 1)
    assert {found.operation for found in first.measured} == set(OPERATIONS) and len(first.measured) == len(OPERATIONS) * len(SIZES)
    for found in first.measured:
        assert found.wrong == [] and found.size_bytes >= 4 and found.seconds > 0
        assert found.algorithm_bandwidth == pytest.approx(found.size_bytes / found.seconds)
        factor = {"broadcast": 1, "reduce": 1, "all_reduce": 2 * (num - 1) / num, "parameter_server": 2 * (num - 1) / num}.get(
            found.operation, (num - 1) / num
        )
        assert found.bus_bandwidth == pytest.approx(found.algorithm_bandwidth * factor)


def test_a_process_that_gets_one_bit_wrong_is_named_with_the_operation() -> None:
    report = on_processes(Layout(processes=3), measured, (2, "all_gather"))[0]
    assert {(found.operation, *found.wrong) for found in report.measured if found.wrong} == {("all_gather", 2)}


def test_a_process_all_of_whose_links_are_slow_is_named_and_not_those_that_it_talks_to() -> None:
    even = [[0.0, 1.0, 1.1], [1.0, 0.0, 0.9], [1.1, 0.9, 0.0]]
    assert slow_of(even) == []
    of_five = [[0.0 if one == other else 9.0 if 3 in (one, other) else 1.0 for other in range(5)] for one in range(5)]
    assert slow_of(of_five) == [3]
    assert slow_of([[0.0, 9.0], [9.0, 0.0]]) == [], "of two none can be told to be slow"


def late(rank: Rank) -> list[int]:
    """Measure while one process answers late."""
    from kernels.training.parallel import collectives

    team = join(rank, "cpu")
    if rank.number == 1:
        there_and_back = collectives._there_and_back

        def slowly(*given: Any) -> float:
            time.sleep(0.1)
            return there_and_back(*given)

        collectives._there_and_back = slowly
    return measure(team, "cpu", [64]).slow


def test_a_slow_process_of_four_is_found() -> None:
    assert on_processes(Layout(processes=4), late) == [[1]] * 4
