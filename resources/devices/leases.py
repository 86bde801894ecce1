"""Devices: what the machine has, and which process may use which GPU.

A lease is a locked file that the system frees when its holder ends, however it ends; who finds too few free waits. Dagster's pools count how many
jobs may train at a time; the map from a job to its devices is here. GPUs that ``CUDA_VISIBLE_DEVICES`` hides from us, as Slurm and users do, are
somebody else's.
The one GPU of an H200 was leased by trainings and evals of recipes; how several are shared is tested with pretended ones.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import IO, NamedTuple

NVIDIA_DEVICES = Path("/proc/driver/nvidia/gpus")
VISIBLE = "CUDA_VISIBLE_DEVICES"
QUEUE = "queue.lock"
"""Among the locks: held by who is the next to get GPUs."""
POLL_SECONDS = 0.2
CUDA_ENVIRONMENT = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""What a process on a GPU is told, by which matrix products give the same bits each time (cuBLAS documentation, "Results Reproducibility")."""


class Lease(NamedTuple):
    """A device that is ours, and what a child process's environment must say so that it sees that one only."""

    device: str
    environment: dict[str, str]


def visible_gpus() -> list[str]:
    """Return the NVIDIA GPUs that are ours to use, as ``CUDA_VISIBLE_DEVICES`` names them: those that it has, else all that the driver lists.

    As CUDA reads it, it hides all from the first on that is no device, such as -1; none are there without a driver.
    """
    listed = len(list(NVIDIA_DEVICES.iterdir())) if NVIDIA_DEVICES.is_dir() else 0
    said = os.environ.get(VISIBLE)
    if said is None or not listed:
        return [str(index) for index in range(listed)]
    return list(takewhile(lambda name: name and not name.startswith("-"), (name.strip() for name in said.split(","))))


def count_gpus() -> int:
    """Return how many NVIDIA GPUs are ours to use."""
    return len(visible_gpus())


def num_cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def lease_devices(leases: Path, gpus: Sequence[str], num_devices: int = 1, whose: str = "") -> Iterator[list[Lease]]:
    """Hold as many GPUs of some as are asked for, or the CPU where there are none.

    Whoever finds too few free waits in a queue. Its first takes what becomes free, and no other meanwhile, so that no two hold what both need.

    Args:
        leases: folder of the locks.
        gpus: the machine's, as CUDA names them.
        num_devices: how many.
        whose: what they are held for, for `holdings` to say.

    Raises:
        RuntimeError: there are fewer GPUs than are asked for, held or not.
    """
    if not gpus:
        yield [Lease("cpu", {})] * num_devices
        return
    if num_devices > len(gpus):
        told = f"{num_devices} processes need a GPU each, and this machine has {len(gpus)}"
        raise RuntimeError(f"{told}; ask for fewer, or for the CPU (in a recipe: 'processes', or 'device: cpu', under 'run')")
    leases.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with _waited_for(leases / QUEUE) as queue:
            _sign(queue, whose)
            found = _taken(leases, gpus, num_devices, held, whose)
        yield [Lease("cuda", {VISIBLE: name, **CUDA_ENVIRONMENT}) for name in found]


def _taken(leases: Path, gpus: Sequence[str], num_devices: int, held: ExitStack, whose: str) -> list[str]:
    """Return as many GPUs as are asked for, locked until the stack is left, in order of their names there."""
    found: list[str] = []
    while True:
        for name in gpus:
            if name not in found and len(found) < num_devices and (stream := _locked(leases / _file_of(name))) is not None:
                held.enter_context(stream)
                _sign(stream, whose)
                found.append(name)
        if len(found) == num_devices:
            return sorted(found, key=gpus.index)
        time.sleep(POLL_SECONDS)


def _waited_for(path: Path) -> IO[str]:
    """Return a lock file that is ours, however long another holds it; a signal may end the wait."""
    while (stream := _locked(path)) is None:
        time.sleep(POLL_SECONDS)
    return stream


def _sign(stream: IO[str], whose: str) -> None:
    """Write who holds a lock into it."""
    stream.seek(0)
    stream.truncate()
    stream.write(json.dumps({"pid": os.getpid(), "whose": whose}))
    stream.flush()


def _locked(path: Path) -> IO[str] | None:
    """Return a lock file that is ours now, None where another holds it."""
    stream = path.open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    return stream


def _file_of(gpu: str) -> str:
    return f"gpu-{gpu.replace('/', '_')}.lock"


def known_gpus(leases: Path) -> list[str]:
    """Return the GPUs of a node that were ever leased by a folder of its locks."""
    names = (path.stem.removeprefix("gpu-") for path in leases.glob("gpu-*.lock"))
    return sorted(names, key=lambda name: (len(name), name))


class Holding(NamedTuple):
    """A GPU, and who holds it."""

    gpu: str
    is_held: bool
    whose: str
    """What the holder makes; empty where nobody holds the GPU."""
    pid: int
    """Of the holder; 0 where there is none."""
    since: float
    """Seconds since the epoch; 0 where there is no holder."""


def holdings(leases: Path, gpus: Sequence[str]) -> list[Holding]:
    """Return who holds which of some GPUs by leases."""
    return [_holding(leases / _file_of(gpu), gpu) for gpu in gpus]


def waiting(leases: Path) -> Holding | None:
    """Return who is the next to get GPUs that become free, None where nobody waits."""
    found = _holding(leases / QUEUE, "")
    return found if found.is_held else None


def _holding(path: Path, gpu: str) -> Holding:
    if not path.exists() or not _is_held(path):
        return Holding(gpu, is_held=False, whose="", pid=0, since=0.0)
    try:
        told = json.loads(path.read_text())
    except json.JSONDecodeError:  # it has the lock and has not said so yet
        told = {"pid": 0, "whose": ""}
    return Holding(gpu, is_held=True, since=path.stat().st_mtime, **told)


def _is_held(path: Path) -> bool:
    with path.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
