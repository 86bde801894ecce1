"""Fast module, standard checkpoint: which parameter of a module of ours is which of Transformers'.

A table has a row a parameter: ours, and those of Transformers that are stacked in it from the first row of the matrix on. ``{}`` stands for the
number of a layer.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One parameter of ours, or one a layer."""

    ours: str
    theirs: tuple[str, ...]
    rows: tuple[int, ...] = ()
    """How many rows of ours each of theirs has; empty where it is one."""
    transposed: bool = False
    """Whether theirs have their dimensions the other way round, as GPT-2's do."""
    shape: tuple[int, ...] = ()
    """Of what each row of theirs is, where it is no row: a convolution's kernel. Ours has it flat."""


class Table(NamedTuple):
    """All parameters of a model."""

    entries: Sequence[Entry]
    num_layers: int

    def expanded(self) -> list[Entry]:
        """Return a row for each parameter, layers numbered."""
        found: list[Entry] = []
        for entry in self.entries:
            layers = range(self.num_layers) if "{}" in entry.ours else range(1)
            found += [entry._replace(ours=entry.ours.format(layer), theirs=tuple(name.format(layer) for name in entry.theirs)) for layer in layers]
        return found


def to_transformers(ours: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """Return the tensors of a module of ours by Transformers' names.

    Raises:
        KeyError: a tensor of the table is not there.
    """
    found: dict[str, Any] = {}
    for entry in table.expanded():
        tensor = ours[entry.ours]
        parts = tensor.split(list(entry.rows)) if entry.rows else (tensor,)
        for name, part in zip(entry.theirs, parts, strict=True):
            part = _turned(part) if entry.transposed else part
            found[name] = (part.unflatten(1, entry.shape) if entry.shape else part).contiguous()
    return found


def from_transformers(theirs: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """Return the tensors of Transformers' model by our names.

    Raises:
        KeyError: a tensor of the table is not there.
        ValueError: a tensor is left that the table does not name, other than buffers that are computed.
    """
    import torch

    found: dict[str, Any] = {}
    used: set[str] = set()
    for entry in table.expanded():
        parts = [theirs[name].flatten(1) if entry.shape else theirs[name] for name in entry.theirs]
        parts = [_turned(part) for part in parts] if entry.transposed else parts
        found[entry.ours] = torch.cat(parts).contiguous() if len(parts) > 1 else parts[0]
        used |= set(entry.theirs)
    unused = sorted(set(theirs) - used)
    if unused:
        raise ValueError(f"the checkpoint holds tensors that the architecture has no place for: {unused[:3]}")
    return found


def _turned(tensor: Any) -> Any:
    return tensor.permute(*reversed(range(tensor.ndim)))
