"""The processes that a process has started, those that they started, and their end."""

import contextlib
import os
import signal
import time
from pathlib import Path

POLL_SECONDS = 0.05


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


def end_descendants(ancestor: int, grace_seconds: float) -> None:
    """End all processes below one: asked first, so that they may take back what they submitted elsewhere, then killed."""
    asked = descendants(ancestor)
    _signal(asked, signal.SIGTERM)
    until = time.monotonic() + grace_seconds
    while time.monotonic() < until and any(map(_may_end_by_itself, asked)):
        time.sleep(POLL_SECONDS)
    _signal([*dict.fromkeys([*asked, *descendants(ancestor)])], signal.SIGKILL)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _may_end_by_itself(pid: int) -> bool:
    """Return whether a process still runs and does not ignore that it was asked to end."""
    try:
        words = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    except OSError:
        return False
    return words["State"][0] not in "ZX" and not int(words["SigIgn"], 16) & 1 << (signal.SIGTERM - 1)
