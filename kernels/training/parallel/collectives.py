"""Collective operations between processes: whether each gives what it should, and how fast, by the size of messages.

Algorithm bandwidth is size over time; bus bandwidth is that times a factor by which the slowest link can be compared across operations and numbers of
processes (NVIDIA's nccl-tests, doc/PERFORMANCE.md). A size is that of the larger of what goes in and what comes out, as there. What
all_reduce gives is also made by way of a parameter server, to be held against it.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import distributed as torch_distributed

from kernels.specs.layout import AXES
from kernels.training.parallel.team import Team

dist: Any = torch_distributed
NUMBER_BYTES = 4
DISTINCT = 251
"""Numbers by which places are told apart: small enough that all sums are exact."""
ROUNDS = 5
LINK_BYTES = 1 << 20
"""Of a message that the link between two processes is timed by."""
SLOW_TIMES = 3.0
"""How many times the median of processes' fastest links that of a process takes which is slow."""


class Operation(NamedTuple):
    """A collective operation over N processes."""

    bus_factor: Callable[[int], float]
    """Of N."""
    takes: Callable[[int], int]
    """Of N: how many pieces of a message a process gives."""
    gives: Callable[[int], int]
    """Of N: how many it gets."""
    run: Callable[[Any, Any, Any], Any]
    """Takes what goes in, room for what comes out, which holds what goes in where they are of one size, and the group."""
    expected: Callable[[Any, int], Any]
    """Takes what all processes give, [N, pieces, size of a piece], and the process; returns what comes out, None where that is left open."""


def _in_place(operation: Callable[..., Any], **named: Any) -> Callable[[Any, Any, Any], Any]:
    def run(given: Any, room: Any, group: Any) -> None:
        operation(room, group=group, **named)

    return run


def _one(_: int) -> int:
    return 1


def _each(num: int) -> int:
    return num


def _into(operation: Callable[..., Any]) -> Callable[[Any, Any, Any], Any]:
    def run(given: Any, room: Any, group: Any) -> None:
        operation(room, given, group=group)

    return run


def _through_first(given: Any, room: Any, group: Any) -> None:
    """Give all the sum by way of the first process: a parameter server (Li et al. 2014, OSDI, "Scaling Distributed Machine Learning ...").

    Its link carries what N - 1 others send and get, where in a ring each carries two messages whatever N is (Patarasu and Yuan 2009, "Bandwidth
    Optimal All-reduce Algorithms for Clusters of Workstations"). Beside `all_reduce` it shows why trainings here sum by that: each process moves the
    weights that it has, and no server has to.
    """
    others = range(1, dist.get_world_size(group))
    if dist.get_rank(group):
        dist.send(room, group=group, group_dst=0)
        dist.recv(room, group=group, group_src=0)
        return
    from_each = [torch.empty_like(room) for _ in others]
    for work in [dist.irecv(each, group=group, group_src=other) for other, each in zip(others, from_each, strict=True)]:
        work.wait()
    for each in from_each:
        room += each
    for work in [dist.isend(room, group=group, group_dst=other) for other in others]:
        work.wait()


def _of_first(all_NPS: Any, process: int) -> Any:
    return all_NPS[0]


def _sum(all_NPS: Any, process: int) -> Any:
    return all_NPS.sum(0)


def _sum_at_first(all_NPS: Any, process: int) -> Any:
    return None if process else all_NPS.sum(0)


def _own_of_sum(all_NPS: Any, process: int) -> Any:
    return all_NPS.sum(0)[process]


def _of_each(all_NPS: Any, process: int) -> Any:
    return all_NPS[:, 0]


def _own_of_each(all_NPS: Any, process: int) -> Any:
    return all_NPS[:, process]


def _all_of_it(num: int) -> float:
    return 1.0


def _others(num: int) -> float:
    return (num - 1) / num


def _there_and_on(num: int) -> float:
    return 2 * _others(num)


OPERATIONS: dict[str, Operation] = {
    "broadcast": Operation(_all_of_it, _one, _one, _in_place(dist.broadcast, group_src=0), _of_first),
    "reduce": Operation(_all_of_it, _one, _one, _in_place(dist.reduce, group_dst=0), _sum_at_first),
    "all_reduce": Operation(_there_and_on, _one, _one, _in_place(dist.all_reduce), _sum),
    "reduce_scatter": Operation(_others, _each, _one, _into(dist.reduce_scatter_single), _own_of_sum),
    "all_gather": Operation(_others, _one, _each, _into(dist.all_gather_single), _of_each),
    "parameter_server": Operation(_there_and_on, _one, _one, _through_first, _sum),
    "all_to_all": Operation(_others, _each, _each, _into(dist.all_to_all_single), _own_of_each),
}


class Measured(NamedTuple):
    """One operation at one size."""

    operation: str
    size_bytes: int
    seconds: float
    """Of the slowest process, the median of some rounds."""
    algorithm_bandwidth: float
    """Bytes a second, and so below."""
    bus_bandwidth: float
    wrong: list[int]
    """Processes that got something else than they should have."""


class Report(NamedTuple):
    """What was found of the processes of a job."""

    num_processes: int
    device: str
    measured: list[Measured]
    links: list[list[float]]
    """Seconds that a message and its answer take between two processes, [N, N]; 0 from one to itself."""

    @property
    def slow(self) -> list[int]:
        """Return the processes all of whose links are slow, as far as that can be told: of three processes at least."""
        return slow_of(self.links)


def slow_of(links: Sequence[Sequence[float]]) -> list[int]:
    """Return which processes are slow, by the seconds of their links, [N, N]: those whose fastest link is far slower than that of most."""
    count = len(links)
    if count < 3:
        return []
    fastest = [min(seconds for other, seconds in enumerate(row) if other != one) for one, row in enumerate(links)]
    return [process for process, seconds in enumerate(fastest) if seconds > SLOW_TIMES * statistics.median(fastest)]


def measure(team: Team, device: str, sizes: Sequence[int], spoil: Callable[[str, Any], Any] = lambda name, room: room) -> Report:
    """Run every operation at some sizes, in bytes, on all processes, which all get the report.

    Args:
        team: of several processes.
        device: where messages are.
        sizes: of messages, in bytes; each is rounded up to whole pieces.
        spoil: called with what came out, for tests to be a faulty process.
    """
    measured = [_measured(name, size, team, device, spoil) for name in OPERATIONS for size in sizes]
    return Report(team.layout.processes, device, measured, _links(team, device))


def _measured(name: str, size_bytes: int, team: Team, device: str, spoil: Callable[[str, Any], Any]) -> Measured:
    operation, count, process = OPERATIONS[name], team.layout.processes, team.rank.number
    pieces, group = max(operation.takes(count), operation.gives(count)), team.group(AXES)
    length = -(-size_bytes // (NUMBER_BYTES * pieces))
    all_NPS: Any = torch.stack([_given(each, operation.takes(count), length) for each in range(count)])
    given = all_NPS[process].flatten().to(device)
    room = torch.empty(operation.gives(count) * length, device=device)
    taken: list[float] = []
    for _ in range(1 + ROUNDS):
        if len(room) == len(given):
            room.copy_(given)  # where some operations work
        team.wait()
        began = time.perf_counter()
        operation.run(given, room, group)
        _finish(device)
        taken.append(team.largest(time.perf_counter() - began))
    expected = operation.expected(all_NPS, process)
    is_wrong = expected is not None and not torch.equal(spoil(name, room.cpu()), expected.flatten())
    wrong = [number for number, found in enumerate(team.told_by_each(is_wrong, AXES)) if found]
    seconds, size = statistics.median(taken[1:]), length * pieces * NUMBER_BYTES
    return Measured(name, size, seconds, size / seconds, size / seconds * operation.bus_factor(count), wrong)


def _given(process: int, pieces: int, length: int) -> Any:
    """Return what a process gives, [P, S]: numbers that are its own at every place."""
    places: Any = torch.arange(pieces * length)
    return (places % DISTINCT + DISTINCT * process).float().view(pieces, length)


def _links(team: Team, device: str) -> list[list[float]]:
    """Return how long a message and its answer take between every two processes, one pair at a time."""
    count, own = team.layout.processes, team.rank.number
    message = torch.zeros(LINK_BYTES // NUMBER_BYTES, device=device)
    found = [[0.0] * count for _ in range(count)]
    for one in range(count):
        for other in range(one):
            team.wait()
            taken = [_there_and_back(message, own, one, other, device) for _ in range(1 + ROUNDS)] if own in (one, other) else [0.0, 0.0]
            found[one][other] = found[other][one] = team.largest(min(taken[1:]))
    return found


def _there_and_back(message: Any, own: int, one: int, other: int, device: str) -> float:
    began = time.perf_counter()
    if own == one:
        dist.send(message, other)
        dist.recv(message, other)
    else:
        dist.recv(message, one)
        dist.send(message, one)
    _finish(device)
    return time.perf_counter() - began


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
