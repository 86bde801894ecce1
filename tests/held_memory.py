"""What a computation holds in memory: bytes that come to be while it runs and still stand behind it."""

from collections.abc import Callable
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode


class _Watch(TorchDispatchMode):
    def __init__(self, known: set[int]) -> None:
        super().__init__()
        self.known = known
        self.made: dict[int, tuple[Any, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage()._cdata not in self.known:
                self.made[tensor.untyped_storage()._cdata] = (StorageWeakRef(tensor.untyped_storage()), tensor.untyped_storage().nbytes())
        return result


def held_bytes(work: Callable[[], Any], known: list[torch.Tensor]) -> int:
    """Return the bytes that work holds with its result, those of known tensors not among them, and take the result's gradients."""
    watch = _Watch({tensor.untyped_storage()._cdata for tensor in known})
    with watch:
        result = work()
    held = sum(size for reference, size in watch.made.values() if not reference.expired())
    result.backward()
    return held
