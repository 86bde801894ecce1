"""Weights that are moved, and all that an optimizer keeps of them, in the machine's memory in place of the device's.

That is ZeRO-Offload (Ren et al. 2021, arXiv 2101.06840): the device holds weights to compute with and gradients; the CPU moves the weights. What is
computed is the same, in float32 on either.
"""

from collections.abc import Mapping
from typing import Any

from kernels.training.parallel.shards import Shard


class Offload:
    """Tensors in the machine's memory beside those that a module computes with."""

    def __init__(self, shards: Mapping[str, Shard]) -> None:
        """Copy what is moved. ``shards`` are on the device, by name."""
        self._on_device = {name: shard.tensor for name, shard in shards.items()}
        self.shards = {name: Shard(_copy_of(shard.tensor), shard.cuts) for name, shard in shards.items()}
        """What is moved, by name."""

    def take_gradients(self) -> None:
        """Bring the gradients of a step over; the device keeps none."""
        for name, tensor in self._on_device.items():
            if tensor.grad is not None:
                self.shards[name].tensor.grad = tensor.grad.cpu()
                tensor.grad = None

    def give_weights(self) -> None:
        """Have the device compute with what the weights are now."""
        import torch

        with torch.no_grad():
            for name, tensor in self._on_device.items():
                tensor.copy_(self.shards[name].tensor)


def _copy_of(tensor: Any) -> Any:
    """Return a copy in the machine's memory, from where a GPU reads by itself where there is one."""
    copy = tensor.detach().to("cpu", copy=True)
    return (copy.pin_memory() if tensor.is_cuda else copy).requires_grad_()
