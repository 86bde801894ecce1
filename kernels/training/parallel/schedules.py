"""In which order a process of a pipeline passes the parts of a step through its stages and back: plain lists, known to all beforehand.

``gpipe`` passes all parts forwards, then all backwards (Huang et al. 2019, arXiv 1811.06965). ``1f1b`` goes over to one of each as soon as it can, so
that no more parts are under way than there are stages (Narayanan et al. 2019, PipeDream). ``interleaved`` gives each process several stages, every
so many apart, which makes the idle time that many times shorter (Narayanan et al. 2021, arXiv 2104.04473, section 2.2).
"""

from typing import Literal, NamedTuple

ScheduleName = Literal["gpipe", "1f1b", "interleaved"]


class Action(NamedTuple):
    """One pass of a part of a step through a stage."""

    is_forward: bool
    stage: int
    """Of the whole pipeline, counted from 0; process ``stage % num_processes`` holds it."""
    part: int


def actions_of(schedule: ScheduleName, process: int, num_processes: int, num_stages: int, num_parts: int) -> list[Action]:
    """Return what a process does, in order.

    Args:
        schedule: which.
        process: counted from 0.
        num_processes: of the pipeline.
        num_stages: a multiple of the processes; as many but for ``interleaved``.
        num_parts: of the step.

    Raises:
        ValueError: ``interleaved`` has parts that are no multiple of the processes.
    """
    if schedule == "interleaved":
        return _interleaved(process, num_processes, num_stages, num_parts)
    num_before = num_parts if schedule == "gpipe" else min(num_processes - process - 1, num_parts)
    forwards = [Action(True, process, part) for part in range(num_parts)]
    backwards = [Action(False, process, part) for part in range(num_parts)]
    return _one_by_one(forwards, backwards, num_before)


def _one_by_one(forwards: list[Action], backwards: list[Action], num_before: int) -> list[Action]:
    """Return forward passes, some of them first, then one of each, then the backward passes that are left."""
    found = forwards[:num_before]
    for index, action in enumerate(forwards[num_before:]):
        found += [action, backwards[index]]
    return found + backwards[len(forwards) - num_before :]


def _interleaved(process: int, num_processes: int, num_stages: int, num_parts: int) -> list[Action]:
    num_own = num_stages // num_processes
    if num_parts % num_processes:
        raise ValueError(
            f"schedule: interleaved passes parts of a step in groups of {num_processes}, and there are {num_parts}; "
            f"give 'micro_batches' a multiple of {num_processes} that the rows of a process can be parted into"
        )

    def unit(index: int, is_forward: bool) -> Action:
        group, within = divmod(index, num_processes * num_own)
        turn, place = divmod(within, num_processes)
        own = turn if is_forward else num_own - 1 - turn
        return Action(is_forward, own * num_processes + process, group * num_processes + place)

    num_units = num_parts * num_own
    num_before = min((num_processes - process - 1) * 2 + (num_own - 1) * num_processes, num_units)
    forwards, backwards = ([unit(index, is_forward) for index in range(num_units)] for is_forward in (True, False))
    return _one_by_one(forwards, backwards, num_before)
