"""Statistics of tensors: the numbers of weights, gradients and updates that were put there by hand."""

import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from kernels.training.logs.tensors import COLUMNS, STATISTICS, TensorWatch, tags_of, write_statistics


def parameter(values: list[float], gradient: list[float] | None) -> Any:
    import torch

    made = torch.nn.Parameter(torch.tensor(values))
    made.grad = None if gradient is None else torch.tensor(gradient)
    return made


def watched(weights: list[float], gradient: list[float] | None, update: list[float], scale: float = 1.0) -> dict[str, Any]:
    import torch

    made = parameter(weights, gradient)
    watch = TensorWatch({"w": made}, scale)
    with torch.no_grad():
        made += torch.tensor(update)
    (row,) = watch.rows(7)
    return row


def test_norms_are_of_the_weight_before_the_gradient_and_the_change() -> None:
    row = watched([3.0, 4.0], [0.0, 2.0], [0.0, 0.5])
    assert row == {"step": 7, "tensor": "w", "weight_norm": 5.0, "gradient_norm": 2.0, "update_norm": 0.5, "update_ratio": 0.1} | {
        "zero_gradients": 0.5,
        "non_finite_gradients": 0.0,
    }
    assert list(row) == list(COLUMNS)


def test_a_gradient_of_a_scaled_loss_is_told_as_of_the_loss() -> None:
    assert watched([1.0], [8.0], [0.0], scale=4.0)["gradient_norm"] == 2.0


def test_what_is_no_number_is_counted_and_its_norm_is_none_either() -> None:
    row = watched([1.0, 1.0, 1.0, 1.0], [1.0, math.inf, math.nan, 0.0], [0.0] * 4)
    assert (row["zero_gradients"], row["non_finite_gradients"], row["update_ratio"]) == (0.25, 0.5, 0.0) and math.isnan(row["gradient_norm"])


def test_a_weight_of_nothing_has_no_ratio_and_a_tensor_without_a_gradient_no_norm_of_one() -> None:
    row = watched([0.0, 0.0], None, [1.0, 0.0])
    assert (row["weight_norm"], row["update_norm"], row["update_ratio"]) == (0.0, 1.0, None)
    assert (row["gradient_norm"], row["zero_gradients"], row["non_finite_gradients"]) == (None, None, None)
    assert tags_of(row) == {"tensors/w/weight_norm": 0.0, "tensors/w/update_norm": 1.0}


def test_a_look_before_clipping_is_not_changed_by_it() -> None:
    made = parameter([1.0], [8.0])
    watch = TensorWatch({"w": made}, 1.0)
    made.grad.mul_(0.125)
    assert watch.rows(1)[0]["gradient_norm"] == 8.0


def test_the_table_has_a_column_a_number_also_where_none_was_measured(tmp_path: Path) -> None:
    write_statistics([watched([1.0], None, [0.5])], tmp_path)
    table = pq.read_table(tmp_path / STATISTICS)
    assert table.column_names == list(COLUMNS) and str(table.schema.field("gradient_norm").type) == "double"
    assert table.to_pylist()[0]["update_ratio"] == pytest.approx(0.5)
    write_statistics([], tmp_path)
    assert pq.read_table(tmp_path / STATISTICS).num_rows == 0
