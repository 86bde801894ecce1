"""What each tensor of a model does at a step: how large weight, gradient and update are, and what of the gradient is nothing or no number.

The update divided by the weight should stay near a thousandth: far above it a tensor is torn about, far below it stands still. Followed on request,
since it takes a copy of all weights and a few passes over them. What is told follows from weights and gradients alone, so that the same training
writes the same table.
"""

from collections.abc import Mapping, Sequence
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


class TensorWatch:
    """Looks at parameters before a step and behind it."""

    def __init__(self, parameters: Mapping[str, Any], scale: float) -> None:
        """Look at weights and gradients before these are clipped. ``scale``: what the loss was multiplied by."""
        self._parameters = parameters
        self._before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
        self._weight_norms = _numbers([_norm(weight) for weight in self._before.values()])
        gradients = {name: parameter.grad for name, parameter in parameters.items() if parameter.grad is not None}
        numbers = iter(_numbers([number for gradient in gradients.values() for number in _of_gradient(gradient)]))
        self._of_gradients = {
            name: {
                "gradient_norm": norm / scale,
                "zero_gradients": num_zero / gradient.numel(),
                "non_finite_gradients": num_non_finite / gradient.numel(),
            }
            for (name, gradient), norm, num_zero, num_non_finite in zip(gradients.items(), numbers, numbers, numbers, strict=True)
        }

    def rows(self, step: int) -> list[Row]:
        """Return a row a tensor, now that the step is taken or left out; see `COLUMNS`."""
        pairs = [(parameter.detach(), self._before[name]) for name, parameter in self._parameters.items()]
        updates = _numbers([_norm(now - before) for now, before in pairs])
        rows: list[Row] = []
        for name, weight, update in zip(self._parameters, self._weight_norms, updates, strict=True):
            row: Row = {"step": step, "tensor": name, "weight_norm": weight, "update_norm": update}
            row |= {"update_ratio": update / weight if weight else None, **self._of_gradients.get(name, {})}
            rows.append({column: row.get(column) for column in COLUMNS})
        return rows


def _norm(tensor: Any) -> Any:
    """Return the L2 norm, as a tensor of one number."""
    import torch

    return torch.linalg.vector_norm(tensor)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _of_gradient(gradient: Any) -> tuple[Any, Any, Any]:
    """Return norm, zeros and what is not finite of a gradient, as tensors of one number."""
    import torch

    return _norm(gradient), (gradient == 0).sum().double(), (~torch.isfinite(gradient)).sum().double()


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
