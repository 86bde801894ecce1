"""What each tensor of a model does at a step: how large weight, gradient and update are, and what of the gradient is nothing or no number.

The update divided by the weight should stay near a thousandth: far above it a tensor is torn about, far below it stands still. Followed on request,
since it takes a copy of all weights and a few passes over them. What is told follows from weights and gradients alone, so that the same training
writes the same table.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

STATISTICS = "tensor_statistics.parquet"
"""In a checkpoint's folder: a row a step that was asked for and a tensor."""
COLUMNS: dict[str, str] = {
    "step": "counted from 1",
    "tensor": "name of the parameter in the module that was trained",
    "weight_norm": "L2 norm before the step",
    "gradient_norm": "L2 norm before clipping; null where the tensor had no gradient",
    "update_norm": "L2 norm of what the step changed: 0 where it was left out",
    "update_ratio": "update_norm over weight_norm; null where the weight was nothing",
    "zero_gradients": "share of the gradient's numbers that are 0",
    "non_finite_gradients": "share of the gradient's numbers that are infinite or no numbers",
}
MEASURED = tuple(COLUMNS)[2:]
Row = dict[str, Any]
Sums = Callable[[Mapping[str, list[float]]], Mapping[str, list[float]]]


class TensorWatch:
    """Looks at parameters before a step and behind it."""

    def __init__(self, parameters: Mapping[str, Any], scale: float, sums: Sums = lambda numbers: numbers) -> None:
        """Look at weights and gradients before these are clipped.

        Args:
            parameters: by name; pieces of them where processes hold no more.
            scale: what the loss was multiplied by.
            sums: returns numbers of pieces by name, summed over those that hold the others.
        """
        self._parameters, self._sums = parameters, sums
        self._before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
        self._weight_norms = self._norms(self._before)
        gradients = {name: parameter.grad for name, parameter in parameters.items() if parameter.grad is not None}
        numbers = iter(_numbers([number for gradient in gradients.values() for number in _of_gradient(gradient)]))
        found = sums({name: [*islice(numbers, 3), float(gradient.numel())] for name, gradient in gradients.items()})
        self._of_gradients = {
            name: {
                "gradient_norm": math.sqrt(squares) / scale,
                "zero_gradients": num_zero / size,
                "non_finite_gradients": num_non_finite / size,
            }
            for name, (squares, num_zero, num_non_finite, size) in found.items()
        }

    def rows(self, step: int) -> list[Row]:
        """Return a row a tensor, now that the step is taken or left out; see `COLUMNS`."""
        updates = self._norms({name: parameter.detach() - self._before[name] for name, parameter in self._parameters.items()})
        rows: list[Row] = []
        for name, weight in self._weight_norms.items():
            update = updates[name]
            row: Row = {"step": step, "tensor": name, "weight_norm": weight, "update_norm": update}
            row |= {"update_ratio": update / weight if weight else None, **self._of_gradients.get(name, {})}
            rows.append({column: row.get(column) for column in COLUMNS})
        return rows

    def _norms(self, tensors: Mapping[str, Any]) -> dict[str, float]:
        """Return the L2 norm of each tensor, whole."""
        squares = _numbers([_squares(tensor) for tensor in tensors.values()])
        found = self._sums({name: [of_tensor] for name, of_tensor in zip(tensors, squares, strict=True)})
        return {name: math.sqrt(of_tensor) for name, (of_tensor,) in found.items()}


def _squares(tensor: Any) -> Any:
    """Return the sum of squares, as a tensor of one number; of very small or large numbers too."""
    import torch

    linalg: Any = torch.linalg
    return linalg.vector_norm(tensor).double().square()


def _of_gradient(gradient: Any) -> tuple[Any, Any, Any]:
    """Return the sum of squares, zeros and what is not finite of a gradient, as tensors of one number."""
    import torch

    return _squares(gradient), (gradient == 0).sum().double(), (~torch.isfinite(gradient)).sum().double()


def _numbers(scalars: list[Any]) -> list[float]:
    """Return tensors of one number as numbers, in one transfer from the device."""
    import torch

    together: Any = torch.stack([scalar.double() for scalar in scalars]) if scalars else torch.zeros(0)
    return together.tolist()


def tags_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Return what a row tells by the tags of an event file: ``tensors/NAME/update_ratio``."""
    return {f"tensors/{row['tensor']}/{name}": row[name] for name in MEASURED if row[name] is not None}


def write_statistics(rows: Sequence[Row], folder: Path) -> None:
    """Write rows into a checkpoint's folder."""
    types = {"step": pa.int64(), "tensor": pa.string()}
    fields = [pa.field(name, types.get(name, pa.float64()), metadata={"description": about}) for name, about in COLUMNS.items()]
    pq.write_table(pa.Table.from_pylist(list(rows), pa.schema(fields)), folder / STATISTICS, compression="zstd")  # pyright: ignore[reportUnknownMemberType]
