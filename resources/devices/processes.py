"""Processes by more than their number, which the system gives to others again."""

import os
import socket
from pathlib import Path


def this_process() -> str:
    """Return words that name this process and no other: host, number, and when it started."""
    return _words(os.getpid())


def _words(pid: int) -> str:
    return f"{socket.gethostname()} {pid} {_started(pid)}"


def _started(pid: int) -> str:
    """Return when a process started, in the system's ticks; empty where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def is_alive(words: str) -> bool:
    """Return whether the process that `this_process` named still runs. One of another host is taken to: nobody here can tell."""
    host, pid, started = [*words.split(" "), "", ""][:3]
    if host != socket.gethostname():
        return True
    if not pid.isdecimal() or not has_process(int(pid)):
        return False
    return not started or _started(int(pid)) in ("", started)


def has_process(pid: int) -> bool:
    """Return whether any process has a number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
