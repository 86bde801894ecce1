"""The processes that a process has started, those that they started, and their end."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.05
JOB_SECONDS = 25.0
"""For a step of a training and its state; who asks us to end gives half a minute, mostly, as Slurm and Kubernetes do by default."""
GRACE_SECONDS = 1.5
JOB_NAME = "mill-job"
PR_SET_NAME = 15
TERM = 1 << (signal.SIGTERM - 1)
"""In the masks of signals that the system tells."""


def descendants(ancestor: int) -> list[int]:
    """Return the numbers of all living processes below one, as the system lists them; none where it does not tell (no ``/proc``)."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(folder.name))
    found: list[int] = []
    frontier = [ancestor]
    while frontier:
        below = children.get(frontier.pop(), [])
        found += below
        frontier += below
    return found


def name_as_job() -> None:
    """Have this process be known as a job by its name, as the system lists it: one that listens to SIGTERM is given time to keep what it has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, JOB_NAME.encode())


def end_descendants(ancestor: int, is_hurried: Callable[[], bool] = lambda: False) -> None:
    """End all processes below one. Jobs that listen go first, since many die with a parent: a training keeps a state behind the step it is at.

    The others are asked then, so that they may take back what they submitted elsewhere, and killed. Whoever is in a hurry has jobs killed at once.
    """
    everyone = descendants(ancestor)
    jobs = [pid for pid in everyone if _is_job_that_listens(pid)]
    _signal(jobs, signal.SIGTERM)
    _wait(jobs, JOB_SECONDS, _is_job_that_listens, is_hurried)
    others = [pid for pid in everyone if pid not in jobs]
    _signal(others, signal.SIGTERM)
    _wait(others, GRACE_SECONDS, _may_end_by_itself, is_hurried)
    _signal([*dict.fromkeys([*everyone, *descendants(ancestor)])], signal.SIGKILL)


def _wait(pids: list[int], seconds: float, lives: Callable[[int], bool], is_hurried: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not is_hurried() and any(map(lives, pids)):
        time.sleep(POLL_SECONDS)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _may_end_by_itself(pid: int) -> bool:
    """Return whether a process still runs and does not ignore that it was asked to end."""
    told = _status(pid)
    return bool(told) and not int(told["SigIgn"], 16) & TERM


def _is_job_that_listens(pid: int) -> bool:
    told = _status(pid)
    return told.get("Name") == JOB_NAME and bool(int(told["SigCgt"], 16) & TERM)


def _status(pid: int) -> dict[str, str]:
    """Return what the system tells of a process; nothing of one that has ended."""
    try:
        told = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    except OSError:
        return {}
    return {} if told["State"][0] in "ZX" else told
