"""What adapters add to linear layers in a step, in which requests of several adapters and of none pass the base together.

As in Punica (Chen et al. 2023, arXiv 2310.18547) and S-LoRA (Sheng et al. 2023, arXiv 2311.03285) the base computes all rows at once, and each
adapter adds its own products to the rows of its requests. Shape letters: N rows of a step, L of an adapter, R rank, I numbers that a layer reads, O
that it gives.
"""

import functools
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol


class Place(NamedTuple):
    """Where a linear layer that an adapter names is computed."""

    block: int
    """Number of the module that is called by itself; 0 where all of a model is."""
    layer: str
    """Name in that module."""
    first: int
    """First of its numbers among those that the layer gives, where it gives those of others, too."""
    num_in: int
    num_out: int


class LowRank(NamedTuple):
    """A layer's product: B A, scaled."""

    down_RI: Any
    up_OR: Any


class Rows(Protocol):
    """Rows of a step that belong to one request."""

    @property
    def tokens(self) -> Sequence[int]:
        """One of each row."""
        ...

    @property
    def adapter(self) -> str | None:
        """By whose name they are read; None by the base alone."""
        ...


class _Part(NamedTuple):
    rows_L: Any
    first: int
    product: LowRank


class Added:
    """What is added in one step."""

    def __init__(self, num_rows: int) -> None:
        """Add nothing yet to a step of so many rows."""
        self._num_rows = num_rows
        self._parts: dict[int, dict[str, list[_Part]]] = {}

    def add(self, rows_L: Any, place: Place, product: LowRank) -> None:
        """Have a product be added to some rows of what a layer gives."""
        self._parts.setdefault(place.block, {}).setdefault(place.layer, []).append(_Part(rows_L, place.first, product))

    @contextmanager
    def to(self, module: Any, block: int = 0) -> Generator[None]:
        """Have layers of a module give what is added with what they compute, meanwhile; before and after it is as it was loaded."""
        handles = [
            module.get_submodule(layer).register_forward_hook(functools.partial(self._adds, layer, parts))
            for layer, parts in self._parts.get(block, {}).items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _adds(self, layer: str, parts: Sequence[_Part], _: Any, given: tuple[Any, ...], output: Any) -> None:
        x_NI, y_NO = given[0].flatten(0, -2), output.view(-1, output.shape[-1])
        if len(x_NI) != self._num_rows:
            raise RuntimeError(f"{layer}: reads {len(x_NI)} rows of {self._num_rows}, so that nobody knows whose they are; leave it out of adapters")
        for rows_L, first, (down_RI, up_OR) in parts:
            y_NO[:, first : first + len(up_OR)].index_add_(0, rows_L, x_NI[rows_L] @ down_RI.T @ up_OR.T)


class Adapts(ABC):
    """A reader whose linear layers take adapters."""

    def __init__(self, device: Any, dtype: Any) -> None:
        """Have none. Products are computed on a device and in a type of torch."""
        self._to = {"device": device, "dtype": dtype}
        self._adapters: dict[str, list[tuple[Place, LowRank]]] = {}

    @abstractmethod
    def places(self) -> dict[str, Place]:
        """Return the linear layers that adapters may change, by the names that Transformers' model of the kind has for them."""
        ...

    def take(self, name: str, products: Mapping[str, LowRank]) -> None:
        """Have an adapter, given its products by the names of `places`."""
        places = self.places()
        self._adapters[name] = [(places[layer], LowRank(*(each.to(**self._to) for each in product))) for layer, product in products.items()]

    def drop(self, name: str) -> None:
        """Have it no more."""
        del self._adapters[name]

    def _adapted(self, stretches: Sequence[Rows]) -> Added:
        """Return what is added in a step, given what passes in it, one behind the other."""
        import torch

        begin, found = 0, dict[str, list[Any]]()
        for each in stretches:
            if each.adapter is not None:
                found.setdefault(each.adapter, []).append(torch.arange(begin, begin + len(each.tokens)))
            begin += len(each.tokens)
        added = Added(begin)
        for name, rows in found.items():
            rows_L = torch.cat(rows).to(self._to["device"])
            for place, product in self._adapters[name]:
                added.add(rows_L, place, product)
        return added
