"""ZeRO's first two stages (Rajbhandari et al. 2020, arXiv 1910.02054): every process has all weights, and moves a piece of each parameter.

Gradients are summed into pieces, behind the last part of a step at stage 1 and behind every part at stage 2, which holds no whole gradients between
parts. A piece is rows of the module's own parameter: moving it moves the module. The other pieces are gathered before the next pass.
"""

from collections.abc import Mapping
from typing import Any

from kernels.specs.layout import COPIES, HOLDING
from kernels.training.parallel.gradients import GradientSums, Sum, gradient_of
from kernels.training.parallel.shards import Cut, Shard, chunk_sizes
from kernels.training.parallel.team import Team


class StatePieces(GradientSums):
    """Pieces of parameters, and the sums of gradients that they are moved by."""

    def __init__(self, parameters: Mapping[str, Any], cuts: Mapping[str, tuple[Cut, ...]], team: Team) -> None:
        """Take the parameters of a module by name; ``cuts`` were made before."""
        super().__init__(list(parameters.values()), team.group(HOLDING))
        self._team, self._count, self._index = team, team.size(HOLDING), team.index(HOLDING)
        self.shards = {name: self._shard(parameter, cuts.get(name, ())) for name, parameter in parameters.items()}
        """By name."""
        self._leaves = {id(parameter): self.shards[name].tensor for name, parameter in parameters.items()}

    def _shard(self, parameter: Any, cuts: tuple[Cut, ...]) -> Shard:
        sizes = chunk_sizes(parameter.shape[0], self._count)
        leaf = parameter.detach().narrow(0, sum(sizes[: self._index]), sizes[self._index]).requires_grad_()
        return Shard(leaf, (*cuts, Cut(HOLDING, 0, (sizes,))))

    def start(self, bucket: list[Any]) -> Sum:
        """See `GradientSums`."""
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        given = torch.cat([self._by_process(gradient_of(parameter)) for parameter in bucket], 1)
        found = given.new_empty(given.shape[1])
        for parameter in bucket:
            parameter.grad = None
        return Sum(bucket, found, dist.reduce_scatter_single(found, given.flatten(), group=self.group, async_op=True))

    def finish(self, done: Sum) -> None:
        """See `GradientSums`: gradients are added to those of pieces."""
        import torch.distributed

        dist: Any = torch.distributed
        if self._team.size(COPIES) > 1:
            dist.all_reduce(done.found, group=self._team.group(COPIES))
        for parameter, found in zip(done.bucket, done.found.split(self._lengths(done.bucket)), strict=True):
            leaf = self._leaves[id(parameter)]
            gradient = found[: leaf.numel()].view_as(leaf)
            leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient

    def gather(self) -> None:
        """Have the module hold what all processes moved their pieces to."""
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        with torch.no_grad():
            for bucket in self.buckets:
                own: Any = torch.cat([self._by_process(parameter.detach())[self._index] for parameter in bucket])
                found_NL = own.new_empty(self._count, len(own))
                dist.all_gather_single(found_NL.flatten(), own, group=self.group)
                for parameter, found in zip(bucket, found_NL.split(self._lengths(bucket), 1), strict=True):
                    parameter.copy_(found.flatten()[: parameter.numel()].view_as(parameter))

    def _by_process(self, tensor: Any) -> Any:
        """Return the rows of each process one behind the other, [N, L]; zeros fill up what is less."""
        import torch

        flat = tensor.flatten()
        return torch.nn.functional.pad(flat, (0, self._count * self._length(tensor) - len(flat))).view(self._count, -1)

    def _length(self, tensor: Any) -> int:
        """Return how many numbers of a tensor the first process has, than whom none has more."""
        return chunk_sizes(tensor.shape[0], self._count)[0] * (tensor.numel() // tensor.shape[0])

    def _lengths(self, bucket: list[Any]) -> list[int]:
        return [self._length(parameter) for parameter in bucket]
