"""What those who chat or serve compute on: devices that are leased as those of jobs are, and held as long as a model is asked."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from resources.devices.leases import Lease, lease_devices, visible_gpus
from resources.devices.nodes import node_name
from resources.storage.home import Home

if TYPE_CHECKING:
    from kernels.inference.backends.choosing import Choice

Device = Literal["auto", "cpu", "cuda"]
DeviceOption = Annotated[Device, typer.Option("--device", help="What computes; auto: a GPU where there is one, the CPU by weights of int8 or int4.")]


@contextmanager
def leased_for(home: Home, device: Device, choice: "Choice", count: int, whose: str) -> Generator[list[Lease]]:
    """Hold what so many processes compute on, of which this one is the first; it waits for GPUs that others hold.

    Raises:
        ValueError: a GPU is asked for, and there is none or the CPU computes what is chosen; or there is no such back end or form of weights.
        RuntimeError: there are fewer GPUs than processes.
    """
    from kernels.inference.backends.choosing import is_of_cpu

    gpus, is_cpu = visible_gpus(), is_of_cpu(choice)
    if device == "cuda" and is_cpu:
        raise ValueError(
            f"--device cuda: weights {choice.weights or choice.backend} are computed with on the CPU; leave the device out, or the weights"
        )
    if device == "cuda" and not gpus:
        raise ValueError("--device cuda: this machine has no GPU that we may use; take auto or cpu")
    with lease_devices(home.leases / node_name(), [] if is_cpu or device == "cpu" else gpus, count, whose) as held:
        os.environ.update(held[0].environment)  # before anything of CUDA is called
        yield held
