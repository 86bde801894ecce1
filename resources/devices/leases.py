"""Devices: what the machine has, and which process may use which GPU.

A lease is a locked file that the system frees when its holder ends, however it ends. Dagster's pools count how many jobs may train at a
time; the map from a job to a device is here. GPUs that ``CUDA_VISIBLE_DEVICES`` hides from us, as Slurm and users do, are somebody else's.
The one GPU of an H200 was leased by trainings and evals of recipes; how several are shared is tested with pretended ones.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

NVIDIA_DEVICES = Path("/proc/driver/nvidia/gpus")
VISIBLE = "CUDA_VISIBLE_DEVICES"
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
def lease_device(leases: Path, gpus: Sequence[str]) -> Iterator[Lease]:
    """Hold one free GPU of some, or the CPU where there is none.

    Raises:
        RuntimeError: there are GPUs and all are leased; raise the pool's limit only to their number.
    """
    if not gpus:
        yield Lease("cpu", {})
        return
    leases.mkdir(parents=True, exist_ok=True)
    for name in gpus:
        with (leases / f"gpu-{name.replace('/', '_')}.lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield Lease("cuda", {VISIBLE: name, **CUDA_ENVIRONMENT})
            return
    raise RuntimeError(f"all {len(gpus)} GPUs are leased ({leases}); set the pool 'training' to at most {len(gpus)}")
