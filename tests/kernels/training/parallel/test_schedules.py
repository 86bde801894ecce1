"""Schedules of pipelines, played through: nobody waits for ever, and idle time and parts under way are those of the papers."""

import pytest

from kernels.training.parallel.schedules import Action, ScheduleName, actions_of

FORWARD, BACKWARD = 1, 2
"""Units of time that a pass of a whole process takes."""

SIZES = [(2, 4, 1), (2, 8, 1), (4, 8, 1), (4, 4, 1), (3, 7, 1), (4, 2, 1), (2, 4, 2), (4, 8, 2), (4, 8, 3), (2, 2, 2)]
"""Processes, parts, stages a process."""


def plans(schedule: ScheduleName, num_processes: int, num_parts: int, num_own: int) -> list[list[Action]]:
    return [actions_of(schedule, process, num_processes, num_processes * num_own, num_parts) for process in range(num_processes)]


def played(found: list[list[Action]], num_stages: int) -> float:
    """Return how long processes take that begin an action as soon as they can; fail where they wait for each other."""
    ends: dict[Action, float] = {}
    clocks, places = [0.0] * len(found), [0] * len(found)
    while any(place < len(actions) for place, actions in zip(places, found, strict=True)):
        moved = False
        for process, actions in enumerate(found):
            if places[process] == len(actions):
                continue
            action = actions[places[process]]
            needs = _needs(action, num_stages)
            if any(need not in ends for need in needs):
                continue
            began = max([clocks[process], *(ends[need] for need in needs)])
            ends[action] = clocks[process] = began + (FORWARD if action.is_forward else BACKWARD) * len(found) / num_stages
            places[process] += 1
            moved = True
        assert moved, f"all wait: {[actions[place] for place, actions in zip(places, found, strict=True) if place < len(actions)]}"
    return max(clocks)


def _needs(action: Action, num_stages: int) -> list[Action]:
    if action.is_forward:
        return [action._replace(stage=action.stage - 1)] if action.stage else []
    forward = action._replace(is_forward=True)
    return [forward] if action.stage == num_stages - 1 else [forward, action._replace(stage=action.stage + 1)]


def cases() -> list[tuple[ScheduleName, int, int, int]]:
    plain: list[tuple[ScheduleName, int, int, int]] = [(name, *size) for name in ("gpipe", "1f1b") for size in SIZES if size[2] == 1]
    return [*plain, *(("interleaved", *size) for size in SIZES if size[2] > 1)]


@pytest.mark.parametrize(("schedule", "num_processes", "num_parts", "num_own"), cases())
def test_every_part_passes_every_stage_once_each_way_and_nobody_waits_for_ever(
    schedule: ScheduleName, num_processes: int, num_parts: int, num_own: int
) -> None:
    found = plans(schedule, num_processes, num_parts, num_own)
    for process, actions in enumerate(found):
        stages = range(process, num_processes * num_own, num_processes)
        expected = {Action(is_forward, stage, part) for is_forward in (True, False) for stage in stages for part in range(num_parts)}
        assert len(actions) == len(expected) and set(actions) == expected
    played(found, num_processes * num_own)


@pytest.mark.parametrize(("schedule", "num_processes", "num_parts", "num_own"), cases())
def test_the_idle_time_is_that_of_the_papers(schedule: ScheduleName, num_processes: int, num_parts: int, num_own: int) -> None:
    if num_parts < num_processes:
        pytest.skip("the papers' formula is of at least as many parts as processes")
    took = played(plans(schedule, num_processes, num_parts, num_own), num_processes * num_own)
    work = (FORWARD + BACKWARD) * num_parts
    assert took - work == pytest.approx((FORWARD + BACKWARD) * (num_processes - 1) / num_own)


@pytest.mark.parametrize(("schedule", "most"), [("gpipe", 8), ("1f1b", 4)])
def test_as_many_parts_are_under_way_as_a_schedule_promises(schedule: ScheduleName, most: int) -> None:
    under_way, found = 0, 0
    for action in actions_of(schedule, 0, 4, 4, 8):
        under_way += 1 if action.is_forward else -1
        found = max(found, under_way)
    assert found == most


def test_interleaved_parts_come_in_groups_of_the_processes() -> None:
    with pytest.raises(ValueError, match="schedule: interleaved passes parts of a step in groups of 4, and there are 6"):
        actions_of("interleaved", 0, 4, 8, 6)
