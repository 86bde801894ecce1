"""Tensors of a checkpoint's safetensors files, read into memory that is there already, as often as they are asked for.

Files are read and not mapped: pages of a mapped file are the process's own until the kernel takes them back. What is read passes the kernel's cache
of files, which is nobody's memory, speeds up the next reading as long as there is room, and gives way where there is none. Of the process itself
nothing grows but what is read into. Format: https://huggingface.co/docs/safetensors, 8 bytes of length, JSON of names, tensors one behind the other.
"""

import json
import os
import weakref
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

LONGEST_HEADER = 100_000_000
"""Bytes, as the library has it."""
CHUNK = 1 << 20
"""Numbers that are changed to another type at once."""
TYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}


class Stored(NamedTuple):
    """Where a tensor lies."""

    descriptor: int
    offset: int
    shape: tuple[int, ...]
    dtype: str
    """By torch's name."""


class TensorFiles:
    """The tensors of a folder's ``model*.safetensors``: one file or several. They stay open, so that they are there as long as this is."""

    def __init__(self, folder: Path) -> None:
        """Read where tensors lie.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: one is cut off, is none, or has numbers of another type or a name that another has (names it).
        """
        self.tensors: dict[str, Stored] = {}
        paths = sorted(folder.glob("model*.safetensors"))
        if not paths:
            raise FileNotFoundError(f"{folder / 'model.safetensors'}: a checkpoint has this file; make the model again with mill up")
        for path in paths:
            descriptor = os.open(path, os.O_RDONLY)
            weakref.finalize(self, os.close, descriptor)
            for name, stored in _tensors(path, descriptor).items():
                if name in self.tensors:
                    raise ValueError(f"{path}: {name} is in another file of the folder too; leave one of them there")
                self.tensors[name] = stored

    def read(self, name: str, target: Any) -> None:
        """Fill a tensor, whose numbers lie one behind the other, with one of as many; those of another type or device go there in pieces.

        Raises:
            EOFError: the file has become shorter.
        """
        import torch

        stored, flat = self.tensors[name], target.view(-1)
        dtype = getattr(torch, stored.dtype)
        if dtype is flat.dtype and flat.device.type == "cpu":
            _read(stored.descriptor, stored.offset, flat)
            return
        room = torch.empty(min(CHUNK, len(flat)), dtype=dtype)
        for start in range(0, len(flat), CHUNK):
            part = room[: min(CHUNK, len(flat) - start)]
            _read(stored.descriptor, stored.offset + start * dtype.itemsize, part)
            flat[start : start + len(part)] = part

    def rows(self, name: str, count: int) -> Iterator[Any]:
        """Yield a tensor in pieces of so many rows, of the type that it is stored in.

        Raises:
            EOFError: the file has become shorter.
        """
        import torch

        stored = self.tensors[name]
        dtype, (num_rows, *others) = getattr(torch, stored.dtype), stored.shape
        for start in range(0, num_rows, count):
            part = torch.empty(min(count, num_rows - start), *others, dtype=dtype)
            _read(stored.descriptor, stored.offset + start * prod(others) * dtype.itemsize, part.view(-1))
            yield part


def _read(descriptor: int, offset: int, flat: Any) -> None:
    import torch

    left = memoryview(flat.view(torch.uint8).numpy())
    while left:
        count = os.preadv(descriptor, [left], offset)
        if not count:
            raise EOFError(f"weights end at byte {offset}, and {len(left)} more were there before; the checkpoint changed while it was asked")
        left, offset = left[count:], offset + count


def _tensors(path: Path, descriptor: int) -> dict[str, Stored]:
    size = os.fstat(descriptor).st_size
    length = int.from_bytes(os.pread(descriptor, 8, 0), "little")
    try:
        header: dict[str, Any] = json.loads(os.pread(descriptor, min(length, LONGEST_HEADER), 8))
    except ValueError as error:
        raise ValueError(f"{path}: is no whole file of safetensors ({error}); make the model again with mill up") from error
    found: dict[str, Stored] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in TYPES:
            raise ValueError(f"{path}: {name} has numbers of type {entry['dtype']}; layers pass through memory as one of {', '.join(TYPES)}")
        begin, end = entry["data_offsets"]
        stored = Stored(descriptor, 8 + length + begin, tuple(entry["shape"]), TYPES[entry["dtype"]])
        if 8 + length + end > size or end - begin != prod(stored.shape) * (4 if entry["dtype"] == "F32" else 2):
            raise ValueError(f"{path}: {name} is cut off; make the model again with mill up")
        found[name] = stored
    return found
