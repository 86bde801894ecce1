"""Gradients summed over processes while the rest of the backward pass goes on.

Parameters stand in buckets in the reverse of their order, which is about the order in which their gradients come; a bucket is summed as soon as its
last gradient is there (Li et al. 2020, arXiv 2006.15704). Either all get the sums, or each gets those of its pieces.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

BUCKET_BYTES = 25 << 20
"""Of gradients that are summed together (Li et al. 2020, section 5.1: the best on their machines)."""


class Sum(NamedTuple):
    """A sum under way."""

    bucket: list[Any]
    """Its parameters."""
    found: Any
    """What will hold it."""
    work: Any


class GradientSums(ABC):
    """Sums the gradients of some parameters over a process group."""

    def __init__(self, parameters: Sequence[Any], group: Any) -> None:
        """Listen to parameters that learn. Nothing is summed before `begin`."""
        self.group = group
        self.buckets = buckets_of(parameters)
        self._bucket_of = {id(parameter): index for index, bucket in enumerate(self.buckets) for parameter in bucket}
        self._waits_for: list[int] = []
        self._sums: list[Sum] = []
        for parameter in parameters:
            parameter.register_post_accumulate_grad_hook(self._came)

    def begin(self) -> None:
        """Have the gradients of the backward pass that comes now be summed, each bucket when it is there."""
        self._waits_for = [len(bucket) for bucket in self.buckets]

    def end(self) -> None:
        """Return when all gradients are summed. A parameter that has no gradient here counts as 0."""
        for index, count in enumerate(self._waits_for):
            if count:
                self._sums.append(self.start(self.buckets[index]))
        self._waits_for = []
        for each in self._sums:
            each.work.wait()
            self.finish(each)
        self._sums.clear()

    def _came(self, parameter: Any) -> None:
        if not self._waits_for:
            return
        index = self._bucket_of[id(parameter)]
        self._waits_for[index] -= 1
        if not self._waits_for[index]:
            self._sums.append(self.start(self.buckets[index]))

    @abstractmethod
    def start(self, bucket: list[Any]) -> Sum:
        """Begin to sum the gradients of a bucket."""

    @abstractmethod
    def finish(self, done: Sum) -> None:
        """Have gradients be what was summed."""


class SumsForAll(GradientSums):
    """Every process gets all sums: data parallelism."""

    def start(self, bucket: list[Any]) -> Sum:
        """See `GradientSums`."""
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        flat = torch.cat([gradient_of(parameter).flatten() for parameter in bucket])
        for parameter in bucket:
            parameter.grad = None
        return Sum(bucket, flat, dist.all_reduce(flat, group=self.group, async_op=True))

    def finish(self, done: Sum) -> None:
        """See `GradientSums`."""
        for parameter, gradient in zip(done.bucket, done.found.split([parameter.numel() for parameter in done.bucket]), strict=True):
            parameter.grad = gradient.view_as(parameter)


def gradient_of(parameter: Any) -> Any:
    """Return the gradient of a parameter, zeros where it has none."""
    import torch

    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def buckets_of(parameters: Sequence[Any]) -> list[list[Any]]:
    """Return parameters in the reverse of their order, as many together as fill a bucket."""
    buckets: list[list[Any]] = []
    room = 0
    for parameter in reversed(parameters):
        size = parameter.numel() * parameter.element_size()
        if not buckets or size > room:
            buckets.append([])
            room = BUCKET_BYTES
        buckets[-1].append(parameter)
        room -= size
    return buckets
