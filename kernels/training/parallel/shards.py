"""What a process holds of the parameters of a model: a tensor each, whole or a piece of one.

An optimizer moves these tensors, averages are made of them and norms are taken of them, whatever cut them; a piece is put together with the others
only where something whole is written or read. The gradient of a piece stands in its ``grad``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kernels.specs.layout import AXES, Axis
from kernels.training.parallel.team import Team


class Cut(NamedTuple):
    """A parting along one dimension between the processes that differ in some axes alone."""

    axes: tuple[Axis, ...]
    dim: int
    parts: tuple[tuple[int, ...], ...]
    """Sizes of the pieces, in the order of the processes, of each matrix that stands along the dimension; some pieces may hold nothing."""

    def sizes(self, process: int) -> list[int]:
        """Return the sizes of what a process holds, matrix by matrix."""
        return [sizes[process] for sizes in self.parts]


class Shard(NamedTuple):
    """One parameter as a process holds it."""

    tensor: Any
    """A leaf of its own that requires a gradient; in place of the module's where these are pieces or wait elsewhere."""
    cuts: tuple[Cut, ...] = ()
    """Made one behind the other."""
    flattened_from: tuple[int, ...] | None = None
    """The shape of the whole, where the tensor is of its numbers one behind the other; None where it has the whole's dimensions."""


def whole_of(tensor: Any, shard: Shard, team: Team) -> Any:
    """Return the whole of what a tensor of a shard's shape is a piece of, on the tensor's device; all processes must ask for it at once."""
    import torch
    import torch.distributed

    dist: Any = torch.distributed

    for cut in reversed(shard.cuts):
        sizes = [cut.sizes(process) for process in range(team.size(cut.axes))]
        shape = list(tensor.shape)
        shape[cut.dim] = max(map(sum, sizes))
        padded = tensor.new_zeros(shape)
        padded.narrow(cut.dim, 0, tensor.shape[cut.dim]).copy_(tensor)
        found: list[Any] = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(found, padded, group=team.group(cut.axes))
        pieces = [piece.narrow(cut.dim, 0, sum(own)).split(own, cut.dim) for piece, own in zip(found, sizes, strict=True)]
        tensor = torch.cat([of_process[part] for part in range(len(cut.parts)) for of_process in pieces], cut.dim)
    return tensor if shard.flattened_from is None else tensor.view(shard.flattened_from)


def piece_of(whole: Any, shard: Shard, team: Team) -> Any:
    """Return what a shard holds of a whole tensor."""
    import torch

    if shard.flattened_from is not None:
        whole = whole.flatten()
    for cut in shard.cuts:
        index = team.index(cut.axes)
        parts = whole.split([sum(sizes) for sizes in cut.parts], cut.dim)
        own = [part.narrow(cut.dim, sum(sizes[:index]), sizes[index]) for part, sizes in zip(parts, cut.parts, strict=True)]
        whole = own[0] if len(own) == 1 else torch.cat(own, cut.dim)
    return whole


def norm_of(tensors: Mapping[str, Any], shards: Mapping[str, Shard], team: Team) -> float:
    """Return the L2 norm of tensors that are pieces as shards of their names are, each number counted once."""
    import torch

    by_axes: dict[tuple[Axis, ...], list[Any]] = {}
    for name, tensor in tensors.items():
        by_axes.setdefault(axes_of(shards[name]), []).append(tensor)
    norms = {axes: float(torch.nn.utils.get_total_norm(alike)) for axes, alike in by_axes.items()}
    if list(norms) == [()]:
        return norms[()]
    return sum(team.sums([norms[axes] ** 2], axes)[0] for axes in sorted(norms)) ** 0.5


def axes_of(shard: Shard) -> tuple[Axis, ...]:
    """Return the axes whose processes hold different pieces."""
    cut_along = {axis for cut in shard.cuts for axis in cut.axes}
    return tuple(axis for axis in AXES if axis in cut_along)


def chunk_sizes(size: int, num_chunks: int) -> tuple[int, ...]:
    """Return how ``torch.chunk`` parts a dimension, where chunks behind the last are empty."""
    most = -(-size // num_chunks)
    return tuple(max(0, min(most, size - index * most)) for index in range(num_chunks))
