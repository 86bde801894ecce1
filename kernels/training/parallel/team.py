"""The processes that train one model together, as one of them sees them.

They stand on a mesh whose axes are those of a layout. Sums that all are told are the same bits for all, so that all decide alike.
"""

import json
from collections.abc import Sequence
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from kernels.specs.layout import ALONE, AXES, COPIES, HOLDING, READERS, Axis, Layout, Rank
from kernels.training.feeding.feed import Batch
from kernels.training.feeding.shares import Share


class Team:
    """One process among others; `join` makes one. By itself it is one that is alone and needs no others."""

    def __init__(self, rank: Rank = ALONE, device: str = "cpu", groups: dict[tuple[Axis, ...], Any] | None = None, mesh: Any = None) -> None:
        """Take a seat.

        Args:
            rank: which process this is.
            device: where what is summed stands.
            groups: process groups by the axes that their processes differ in.
            mesh: a ``DeviceMesh`` of those that hold pieces.
        """
        self.rank, self._device, self._groups, self._mesh = rank, device, groups or {}, mesh
        self._index = dict(zip(AXES, np.unravel_index(rank.number, shape_of(rank.layout)), strict=True))

    @property
    def layout(self) -> Layout:
        """How the training is spread."""
        return self.rank.layout

    @property
    def is_alone(self) -> bool:
        """Whether one process does all."""
        return self.layout.processes == 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that tells and writes for all."""
        return self.rank.number == 0

    @property
    def share(self) -> Share:
        """Which rows of a step this process reads."""
        return Share(self.index(READERS), self.size(READERS), self.layout.num_parts)

    def index(self, axes: Sequence[Axis]) -> int:
        """Return which this process is of those that differ in some axes alone, counted from 0."""
        found = 0
        for axis in axes:
            found = found * self.layout.size(axis) + int(self._index[axis])
        return found

    def size(self, axes: Sequence[Axis]) -> int:
        """Return how many processes differ in some axes alone."""
        return prod(map(self.layout.size, axes))

    def group(self, axes: Sequence[Axis]) -> Any:
        """Return the process group of those that differ from this one in some axes alone."""
        return self._groups[_parting(self.layout, axes)]

    def mesh_of_pieces(self) -> Any:
        """Return the ``DeviceMesh`` of those that hold pieces of what this one holds pieces of: copies by pieces, where there are copies."""
        return self._mesh

    def sums(self, numbers: Sequence[float], axes: Sequence[Axis] = AXES) -> list[float]:
        """Return the sum of each number over the processes that differ in some axes alone, all of them where none are named."""
        if self.size(axes) == 1:
            return list(numbers)
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        together: Any = torch.tensor(numbers, dtype=torch.float64, device=self._device)
        dist.all_reduce(together, group=self.group(axes))
        return together.tolist()

    def largest(self, number: float) -> float:
        """Return the largest of all processes' numbers."""
        if self.is_alone:
            return number
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        found = torch.tensor(number, dtype=torch.float64, device=self._device)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return float(found)

    def told_by_first(self, what: Any) -> Any:
        """Return what the first process has to say, for all to go by: something that JSON could hold."""
        return what if self.is_alone else self.told_by_each(what if self.is_first else None, AXES)[0]

    def told_by_each(self, what: Any, axes: Sequence[Axis]) -> list[Any]:
        """Return what each of the processes that differ in some axes alone has to say, in their order: something that JSON could hold.

        It goes as text: what a process is sent never runs.
        """
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        text, count, group = json.dumps(what).encode(), self.size(axes), self.group(axes)
        lengths = torch.empty(count, dtype=torch.int64, device=self._device)
        dist.all_gather_single(lengths, torch.tensor([len(text)], device=self._device), group=group)
        longest = int(lengths.max())
        words = torch.empty(count * longest, dtype=torch.uint8, device=self._device)
        padded = torch.frombuffer(bytearray(text.ljust(longest)), dtype=torch.uint8).to(self._device)
        dist.all_gather_single(words, padded, group=group)
        found = words.cpu().numpy().tobytes()
        return [json.loads(found[start : start + longest]) for start in range(0, len(found), longest)]

    def collected(self, tensors: dict[str, Any], axes: Sequence[Axis]) -> dict[str, Any]:
        """Return the tensors, on the CPU, of all processes that differ in some axes alone, to the first of them; to others theirs."""
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        group = self.group(axes)
        told = self.told_by_each([[name, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")] for name, tensor in tensors.items()], axes)
        found = dict(tensors)
        for sender, of_sender in enumerate(told[1:], 1):
            for name, shape, dtype in of_sender:
                if self.index(axes) == sender:
                    dist.send(tensors[name].to(self._device).contiguous(), group=group, group_dst=0)
                elif self.index(axes) == 0:
                    room = torch.empty(shape, dtype=getattr(torch, dtype), device=self._device)
                    dist.recv(room, group=group, group_src=sender)
                    found[name] = room.cpu()
        return found

    def wait(self) -> None:
        """Return when all processes are here."""
        self.sums([0.0])

    def of_all(self, batch: Batch) -> Batch:
        """Return a batch with the counts of what all processes read in its step."""
        if self.is_alone:
            return batch
        counts = self.sums([batch.num_tokens, batch.num_labels, batch.num_cut], READERS)
        return Batch(batch.parts, *map(int, counts))

    def leave(self) -> None:
        """End the talk with the others; nothing here may be called any more."""
        if not self.is_alone:
            import torch.distributed

            dist: Any = torch.distributed
            dist.destroy_process_group()


def shape_of(layout: Layout) -> tuple[int, ...]:
    """Return the sizes of a layout's axes."""
    return tuple(map(layout.size, AXES))


def join(rank: Rank, device: str) -> Team:
    """Meet the other processes of a job and return this one's view of them; it returns when all are there."""
    if rank.layout.processes == 1:
        return Team(rank, device)
    import torch.distributed

    dist: Any = torch.distributed
    dist.init_process_group(BACKENDS[device], init_method=rank.meeting, rank=rank.number, world_size=rank.layout.processes)
    return seated(rank, device)


def seated(rank: Rank, device: str) -> Team:
    """Return one process's view of those that have met already; all must ask for it."""
    parting, shape = _parting(rank.layout, AXES), shape_of(rank.layout)
    groups = {axes: groups_of(shape, axes) for count in range(1, len(parting) + 1) for axes in combinations(parting, count)}
    return Team(rank, device, groups, _mesh_of_pieces(rank, device, groups) if rank.layout.zero == 3 else None)


def _mesh_of_pieces(rank: Rank, device: str, groups: dict[tuple[Axis, ...], Any]) -> Any:
    from torch.distributed.device_mesh import DeviceMesh

    holding = groups[_parting(rank.layout, HOLDING)]
    if rank.layout.size("data") == 1:
        return DeviceMesh.from_group(holding, device)
    numbers = next(each for each in members(shape_of(rank.layout), (*COPIES, *HOLDING)) if rank.number in each)
    mesh = np.array(numbers).reshape(rank.layout.size("data"), -1)
    return DeviceMesh.from_group([groups[COPIES], holding], device, mesh=mesh.tolist(), mesh_dim_names=("copies", "pieces"))


def _parting(layout: Layout, axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Return those of some axes in which processes differ."""
    return tuple(axis for axis in AXES if axis in axes and layout.size(axis) > 1)


BACKENDS = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}
"""What carries sums between processes, by device."""


def groups_of(shape: tuple[int, ...], axes: tuple[Axis, ...]) -> Any:
    """Return the group of the processes that differ from this one in some axes alone; those must all ask for the same."""
    import torch.distributed

    dist: Any = torch.distributed
    own = dist.get_rank()
    alike = next(numbers for numbers in members(shape, axes) if own in numbers)
    return dist.new_group(alike, use_local_synchronization=True)


def members(shape: tuple[int, ...], axes: Sequence[Axis]) -> list[list[int]]:
    """Return the numbers of processes, group by group of those that differ in some axes alone."""
    inner = [AXES.index(axis) for axis in axes]
    outer = [place for place in range(len(AXES)) if place not in inner]
    numbers = np.arange(prod(shape)).reshape(shape).transpose(*outer, *inner)
    return numbers.reshape(-1, prod(shape[place] for place in inner)).tolist()
