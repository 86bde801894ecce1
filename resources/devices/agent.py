"""What a node does that has joined: it looks for runs that wait for nodes, brings its devices, and starts the processes that it is given.

It takes orders from who announced a run in the home's folder alone, and starts nothing but our own workers.
"""

import fcntl
import json
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from resources.devices.launchers import Fault, run_together
from resources.devices.leases import lease_devices, visible_gpus
from resources.devices.lifeline import die_with_parent
from resources.devices.lines import Line
from resources.devices.nodes import HANDSHAKE_SECONDS, network_environment, node_name

WORKERS = ("assets.orchestration.worker", "resources.devices.plain_worker")
POLL_SECONDS = 0.5
CONNECT_SECONDS = 2.0


def serve(announced: Path, leases: Path, gpus: Sequence[str], say: Callable[[str], None], num_jobs: int | None = None) -> None:
    """Work for runs that wait for nodes, one at a time, until interrupted or for so many jobs.

    Args:
        announced: folder where runs say how they are reached.
        leases: folder of the locks, of all nodes.
        gpus: of this machine.
        say: is told what is done.
        num_jobs: after which it returns.
    """
    done = 0
    refused: set[Path] = set()
    while num_jobs is None or done < num_jobs:
        for path in sorted(announced.glob("*.json")) if announced.is_dir() else []:
            if path in refused or (told := _announced(path)) is None or (line := _connected(told)) is None:
                continue
            with closing(line):
                fault = _introduced(line, told["token"])
                if fault is None:
                    fault = _work(line, leases, gpus, told["whose"], say)
                    done += 1
                else:
                    refused.add(path)
            say(f"{told['whose']}: {fault or 'done'}")
        time.sleep(POLL_SECONDS)


def serve_run(path: Path, leases: Path, gpus: Sequence[str], say: Callable[[str], None]) -> str | None:
    """Work for the run that a file announces; return what failed."""
    told = _announced(path)
    if told is None:
        return f"{path} announces no run that waits here; nodes need the same home on a file system that they share, with its locks"
    line = _connected(told)
    if line is None:
        return f"none of {', '.join(told['addresses'])} answers at port {told['port']}; nodes must reach the machine that the run is on"
    with closing(line):
        return _introduced(line, told["token"]) or _work(line, leases, gpus, told["whose"], say)


def _announced(path: Path) -> dict[str, Any] | None:
    """Return how a run is reached, None where it is over or waits no more: it holds a lock while it waits."""
    try:
        with path.open() as stream:
            with suppress(BlockingIOError):
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None  # nobody holds it any more
            return json.load(stream)
    except (OSError, ValueError):
        return None


def _connected(told: dict[str, Any]) -> Line | None:
    for address in told["addresses"]:
        with suppress(OSError):
            return Line(socket.create_connection((address, told["port"]), CONNECT_SECONDS))
    return None


def _introduced(line: Line, token: str) -> str | None:
    """Return why the run does not take this node, None where it does."""
    try:
        line.send(node=node_name(), token=token)
    except OSError:
        return "it is gone"
    told = line.receive(HANDSHAKE_SECONDS) or {"fault": "it has its nodes"}
    return told.get("fault")


def _work(line: Line, leases: Path, gpus: Sequence[str], whose: str, say: Callable[[str], None]) -> str | None:
    """Do what a run asks for, until it is gone or all is done; return what failed."""
    say(f"{node_name()} works for {whose}")
    asked = line.receive()
    if asked is None:
        return "it ended before it asked for devices"
    device = "cuda" if gpus else "cpu"
    own = list(gpus) if asked["device"] == "cuda" else []
    if asked["device"] == "cuda" and not gpus:
        return _told(line, Fault(1, f"it has no GPU, and the run's own machine has; take {device} there too ('run: {{device: cpu}}')"))
    try:
        with lease_devices(leases / node_name(), own, asked["num_devices"], asked["whose"]) as held:
            line.send(leased=len(held))
            order = line.receive()
            if order is None:
                return "it ended before it began"
            if order["module"] not in WORKERS:
                return _told(line, Fault(1, f"{order['module']} is no worker of this project"))
            environments = [{**lease.environment, **network_environment(line.address)} for lease in held]
            job, first, count = Path(order["job"]), int(order["first_rank"]), int(order["num_processes"])
            return _told(line, run_together(order["module"], job, environments, first_rank=first, num_processes=count, until=line))
    except (RuntimeError, OSError) as error:
        return _told(line, Fault(1, str(error)))


def _told(line: Line, fault: Fault | None) -> str | None:
    with suppress(OSError):
        line.send(**({} if fault is None else {"fault": fault.words, "code": fault.code}))
    return None if fault is None else fault.words


if __name__ == "__main__":
    die_with_parent()
    fault = serve_run(Path(sys.argv[1]), Path(sys.argv[2]), visible_gpus(), print)
    sys.exit(f"{node_name()}: {fault}" if fault else None)
