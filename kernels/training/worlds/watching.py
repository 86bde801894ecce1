"""What a computation has in memory and sends to other processes, written down operation by operation, of real tensors or of such as hold nothing."""

import gc
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import distributed as torch_distributed
from torch.distributed import distributed_c10d
from torch.utils import _python_dispatch

from kernels.specs.layout import AXES, Axis, Layout
from kernels.training.parallel.collectives import OPERATIONS
from kernels.training.parallel.team import shape_of

dist: Any = torch_distributed
groups: Any = distributed_c10d
dispatching: Any = _python_dispatch


class Traffic(NamedTuple):
    """What a process sends in a step by one operation, to those that differ from it in some axes alone."""

    operation: str
    axes: tuple[Axis, ...]
    calls: int
    sent_bytes: float
    """By the operation's bus factor: what a ring sends, which is the least there is for large messages."""


_SIZED_BY: dict[str, tuple[str, int]] = {
    "c10d.allreduce_": ("all_reduce", 0),
    "c10d._reduce_scatter_base_": ("reduce_scatter", 1),
    "c10d._allgather_base_": ("all_gather", 0),
    "c10d.allgather_": ("all_gather", 0),
    "c10d.send": ("send", 0),
    "_c10d_functional.all_reduce": ("all_reduce", 0),
    "_c10d_functional.reduce_scatter_tensor": ("reduce_scatter", 0),
    "_c10d_functional.all_gather_into_tensor": ("all_gather", -1),
}
"""By the name of what torch calls: the operation, and which of what is given has its size; -1 for what it returns."""
_NOT_SENT = ("c10d.recv_", "_c10d_functional.wait_tensor", "_c10d_functional._wrap_tensor_autograd")


class Watch(dispatching.TorchDispatchMode):
    """Writes down which storages come and go, and what is sent."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._layout = layout
        self._keys: dict[int, int] = {}
        self._sizes: list[int] = []
        self._events: list[tuple[int, int]] = []
        self._begin = 0
        self._traffic: dict[tuple[str, tuple[Axis, ...]], Traffic] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call, and write down."""
        result = func(*args, **(kwargs or {}))
        for tensor in _tensors_of(result):
            if tensor.device.type != "meta" and not dispatching.is_traceable_wrapper_subclass(tensor):  # what it wraps is seen by itself
                self.key(tensor)
        name = str(func).rpartition(".")[0]
        if "c10d" in name and name not in _NOT_SENT:
            self._send(name, args, result)
        return result

    def key(self, tensor: torch.Tensor) -> int:
        """Return what a tensor's storage goes by, no other ever does."""
        storage: Any = tensor.untyped_storage()
        place = storage._cdata
        if place not in self._keys:
            self._keys[place] = len(self._sizes)
            self._sizes.append(0)
            self._set(self._keys[place], storage.nbytes())
            weakref.finalize(storage, self._forget, place)
        return self._keys[place]

    def _set(self, key: int, size: int) -> None:
        self._events.append((key, size - self._sizes[key]))
        self._sizes[key] = size

    def _forget(self, place: int) -> None:
        self._set(self._keys.pop(place), 0)

    def __enter__(self) -> "Watch":
        """Begin to write down: what FSDP2 frees of a storage that stays no operation tells, but the storage's own method."""
        storages: Any = torch.UntypedStorage
        self._resize = storages.resize_

        def resize(storage: Any, size: int) -> Any:
            found = self._resize(storage, size)
            if storage._cdata in self._keys:
                self._set(self._keys[storage._cdata], storage.nbytes())
            return found

        storages.resize_ = resize
        super().__enter__()  # pyright: ignore[reportUnknownMemberType]
        return self

    def __exit__(self, *given: Any) -> None:
        """Write down no more."""
        storages: Any = torch.UntypedStorage
        storages.resize_ = self._resize
        super().__exit__(*given)  # pyright: ignore[reportUnknownMemberType]

    def begin_step(self) -> None:
        """Have what comes from now on be of the step, what nobody can reach being gone."""
        gc.collect()
        self._begin = len(self._events)
        self._traffic.clear()

    def standing_bytes(self, keys: set[int]) -> float:
        """Return the bytes of what stands now of some storages."""
        return float(sum(self._sizes[key] for key in keys))

    def most(self, kinds: Sequence[set[int]], without: set[int]) -> list[float]:
        """Return the bytes of each kind, and of all others, at the moment of the step when most is there, what is elsewhere left out."""
        kind_of = {key: index for index, keys in enumerate(kinds) for key in keys}
        now, most = ([0.0] * (len(kinds) + 1) for _ in range(2))
        for number, (key, size) in enumerate(self._events):
            if key not in without:
                now[kind_of.get(key, len(kinds))] += size
            if number >= self._begin and sum(now) > sum(most):
                most = list(now)
        return most

    def traffic(self) -> tuple[Traffic, ...]:
        """Return what was sent in the step."""
        return tuple(self._traffic[key] for key in sorted(self._traffic))

    def _send(self, name: str, args: Sequence[Any], result: Any) -> None:
        operation, place = _SIZED_BY[name]
        num_bytes = sum(tensor.numel() * tensor.element_size() for tensor in _tensors_of(result if place < 0 else args[place]))
        members = dist.get_process_group_ranks(_group_of(args))
        unravel: Any = np.unravel_index
        places: Any = np.array(unravel(members, shape_of(self._layout)))
        axes: tuple[Axis, ...] = tuple(axis for axis, of_axis in zip(AXES, places, strict=True) if np.ptp(of_axis))
        factor = OPERATIONS[operation].bus_factor(len(members)) if operation in OPERATIONS else 1.0
        before = self._traffic.get((operation, axes), Traffic(operation, axes, 0, 0.0))
        self._traffic[operation, axes] = before._replace(calls=before.calls + 1, sent_bytes=before.sent_bytes + factor * num_bytes)


def _group_of(args: Sequence[Any]) -> Any:
    """Return the process group that an operation is called with: an object, or by name behind all else."""
    found = next((each for each in args if isinstance(each, torch.ScriptObject)), None)
    if found is not None:
        return dist.ProcessGroup.unbox(found)
    return groups._resolve_process_group(args[-1])


def _tensors_of(given: Any) -> list[Any]:
    """Return the tensors among what an operation takes or gives."""
    if torch.is_tensor(given):
        return [given]
    return [tensor for each in given for tensor in _tensors_of(each)] if isinstance(given, list | tuple) else []  # pyright: ignore[reportUnknownVariableType]
