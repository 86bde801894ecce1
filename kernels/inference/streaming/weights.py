"""Weights of a decoder of ours as a checkpoint's files have them, which fill a module that is made without any."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernels.inference.streaming.files import TensorFiles

if TYPE_CHECKING:
    from kernels.models.blocks.decoder import Block, Decoder

LAYER = "blocks.{}."


class Weights:
    """Where each parameter of a decoder is read from, and of which type it is in memory.

    Matrices of layers keep the type that they are stored in, and are cast as they compute, one by one; all else is of the type that is computed in.
    """

    def __init__(self, config: Any, folder: Path, dtype: Any) -> None:
        """Compare a checkpoint's files with its config.

        Args:
            config: of Transformers, or of a model of ours.
            folder: of the checkpoint.
            dtype: of torch, that is computed in.

        Raises:
            ValueError: the config is of no decoder of ours, or the files do not fit it (names what).
            FileNotFoundError: there are no files.
        """
        import torch

        from kernels.models.architectures.llama import stack_of
        from kernels.models.formats.fast import fast_of

        if stack_of(config) is None:
            raise ValueError(f"{config.model_type} is no decoder of ours, and only those are read layer by layer; ask it whole, by one process")
        with torch.device("meta"):
            found: Any = fast_of(config)
        self.module: Decoder = found.module.eval()
        """On the meta device: it has shapes and no numbers until it is filled."""
        self._files, self._dtype = TensorFiles(folder), dtype
        entries = None if found.table is None else {entry.ours: entry for entry in found.table.expanded()}
        names = [name for name, _ in self.module.named_parameters()]
        self._sources = {name: (f"module.{name}",) if entries is None else entries[name].theirs for name in names}
        """Tensors that each parameter is made of."""
        self._require_all(folder, {name: () if entries is None else entries[name].rows for name in names})

    def _require_all(self, folder: Path, rows: Mapping[str, Sequence[int]]) -> None:
        """Raise ValueError where the files do not have what parameters are made of, or of as many rows as are given."""
        stored = self._files.tensors
        ignored = {"lm_head.weight"} if self.module.shape.tied else set[str]()  # the same numbers again
        known = {source for sources in self._sources.values() for source in sources}
        lacking, unknown = sorted(known - stored.keys()), sorted(stored.keys() - known - ignored)
        if lacking or unknown:
            raise ValueError(f"{folder}: its weights lack {lacking[:3]}, hold unknown {unknown[:3]}; make the model again with mill up")
        for name, parameter in self.module.named_parameters():
            for source, count in zip(self._sources[name], rows[name] or parameter.shape[:1], strict=True):
                if stored[source].shape != (made := (count, *parameter.shape[1:])):
                    raise ValueError(f"{folder}: {source} has shape {stored[source].shape}, and the config makes {made}; one of both is wrong")

    def dtype_of(self, name: str) -> Any:
        """Return the type of a parameter in memory: the same for all layers."""
        import torch

        if not name.startswith("blocks.") or name.endswith("_norm.weight"):
            return self._dtype
        inner = name.split(".", 2)[2]
        sources = [self._sources[LAYER.format(layer) + inner] for layer in range(self.module.shape.num_layers)]
        found = {self._files.tensors[source].dtype for each in sources for source in each}
        return getattr(torch, found.pop()) if len(found) == 1 else self._dtype

    def size_bytes(self, prefix: str | None) -> int:
        """Return what parameters take whose names begin so; without, those of no layer."""
        return sum(
            parameter.numel() * self.dtype_of(name).itemsize
            for name, parameter in self.module.named_parameters()
            if (not name.startswith("blocks.") if prefix is None else name.startswith(prefix))
        )

    @property
    def largest_cast_bytes(self) -> int:
        """What a layer's largest matrix takes while it computes in another type than its own; 0 where all are of the type."""
        return max(
            parameter.numel() * self._dtype.itemsize if self.dtype_of(name) is not self._dtype else 0
            for name, parameter in self.module.named_parameters()
            if name.startswith(LAYER.format(0))
        )

    def fill_outside(self, device: Any, but: frozenset[str] = frozenset()) -> None:
        """Give the module what it has beside layers, but for some of it, by name."""
        for name, parameter in list(self.module.named_parameters()):
            if not name.startswith("blocks.") and name not in but:
                self.fill(name, _put(self.module, name, parameter, self.dtype_of(name), device))

    def empty_layer(self, device: Any, *, pinned: bool = False) -> "Block":
        """Return a layer with room for its numbers; in pinned memory a GPU fetches them from there by itself."""
        import torch

        from kernels.models.blocks.decoder import Block

        with torch.device("meta"):
            block = Block(self.module.shape).eval()
        for name, parameter in list(block.named_parameters()):
            _put(block, name, parameter, self.dtype_of(LAYER.format(0) + name), device, pinned=pinned)
        return block

    def fill_layer(self, block: "Block", layer: int) -> None:
        """Read a layer's numbers into a block."""
        for name, parameter in block.named_parameters():
            self.fill(LAYER.format(layer) + name, parameter)

    def layers(self) -> "Iterator[Block]":
        """Yield each layer in the same room: it is written over as the next one is asked for."""
        block = self.empty_layer("cpu")
        for layer in range(self.module.shape.num_layers):
            self.fill_layer(block, layer)
            yield block

    def rows(self, name: str, count: int) -> Iterator[Any]:
        """Yield a parameter in pieces of so many rows, as they are stored; where it is made of several, the last piece of each may have fewer."""
        for source in self._sources[name]:
            yield from self._files.rows(source, count)

    def fill(self, name: str, target: Any) -> None:
        """Read what a parameter is made of, one part behind the other along its rows."""
        start = 0
        for source in self._sources[name]:
            stop = start + self._files.tensors[source].shape[0]
            self._files.read(source, target.detach()[start:stop])
            start = stop


def _put(module: Any, name: str, parameter: Any, dtype: Any, device: Any, *, pinned: bool = False) -> Any:
    """Replace a parameter by one with room for its numbers, and return it."""
    import torch

    owner, _, inner = name.rpartition(".")
    found = torch.nn.Parameter(torch.empty(parameter.shape, dtype=dtype, device=device, pin_memory=pinned), requires_grad=False)
    setattr(module.get_submodule(owner), inner, found)
    return found
