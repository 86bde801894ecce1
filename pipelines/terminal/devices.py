"""What those who chat or serve compute on: devices that are leased as those of jobs are, and held as long as a model is asked."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.terminal.application import console
from resources.devices.leases import Lease, holdings, lease_devices, visible_gpus
from resources.devices.nodes import node_name
from resources.storage.home import Home

if TYPE_CHECKING:
    from kernels.inference.backends.choosing import Choice

Device = Literal["auto", "cpu", "cuda"]
DeviceOption = Annotated[Device, typer.Option("--device", help="What computes; auto: a GPU where there is one, the CPU by weights of int8 or int4.")]


@contextmanager
def leased_for(home: Home, device: Device, choice: "Choice", count: int, whose: str) -> Generator[list[Lease]]:
    """Hold what so many processes compute on, of which this one is the first; it waits for GPUs that others hold, and says so.

    Raises:
        ValueError: a GPU is asked for, and there is none or the CPU computes what is chosen; or there is no such back end or form of weights.
        RuntimeError: there are fewer GPUs than processes.
    """
    from kernels.inference.backends.choosing import is_of_cpu

    gpus, leases, is_cpu = visible_gpus(), home.leases / node_name(), is_of_cpu(choice)
    if device == "cuda" and is_cpu:
        form = choice.weights or choice.backend
        raise ValueError(f"--device cuda: the CPU computes with {form}; leave out the device, or name other weights")
    if device == "cuda" and not gpus:
        raise ValueError("--device cuda: this machine has no GPU that we may use; take auto or cpu")
    if is_cpu or device == "cpu":
        gpus = []
    if sum(not each.is_held for each in holdings(leases, gpus)) < min(count, len(gpus)):
        console.print("waits for GPUs that others hold; mill gpus tells who")
    with lease_devices(leases, gpus, count, whose) as held:
        os.environ.update(held[0].environment)  # before anything of CUDA is called
        yield held
