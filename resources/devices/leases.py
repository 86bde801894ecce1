"""Devices: what the machine has, and which process may use which GPU.

A lease is a locked file that the system frees when its holder ends, however it ends. Dagster's pools count how many jobs may train at a
time; the map from a job to a device is here. Nothing in this module has run on a machine with a GPU: the leases are tested with a
pretended count.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

NVIDIA_DEVICES = Path("/proc/driver/nvidia/gpus")


class Lease(NamedTuple):
    """A device that is ours, and what a child process's environment must say so that it sees that one only."""

    device: str
    environment: dict[str, str]


def count_gpus() -> int:
    """Return the number of NVIDIA GPUs that the driver lists (none without a driver)."""
    return len(list(NVIDIA_DEVICES.iterdir())) if NVIDIA_DEVICES.is_dir() else 0


def num_cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def lease_device(leases: Path, num_gpus: int) -> Iterator[Lease]:
    """Hold one free GPU, or the CPU on a machine that has none.

    Raises:
        RuntimeError: the machine has GPUs and all are leased; raise the pool's limit only to their number.
    """
    if num_gpus == 0:
        yield Lease("cpu", {})
        return
    leases.mkdir(parents=True, exist_ok=True)
    for index in range(num_gpus):
        with (leases / f"gpu-{index}.lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield Lease("cuda", {"CUDA_VISIBLE_DEVICES": str(index)})
            return
    raise RuntimeError(f"all {num_gpus} GPUs are leased ({leases}); set the pool 'training' to at most {num_gpus}")
