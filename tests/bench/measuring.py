"""How benchmarks take time: the same work a few times, the least CPU seconds of the process, and the wall clock of that run beside them.

CPU seconds are what the work costs, whoever else uses the machine; every side of a comparison gets as many repeats.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

REPEATS = 3


class Took(NamedTuple):
    """CPU and wall clock seconds of one run."""

    cpu_seconds: float
    wall_seconds: float


def took(work: Callable[[], Any]) -> Took:
    """Return what one run takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Took(time.process_time() - cpu, time.perf_counter() - wall)


def least(work: Callable[[int], Any], repeats: int = REPEATS) -> Took:
    """Return the cheapest of some runs; the work is given the number of its run, for a folder of its own."""
    return min(took(lambda number=number: work(number)) for number in range(repeats))
