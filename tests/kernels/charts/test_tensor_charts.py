"""The heat map of updates: every tensor has a row, colours tell how much a step changed, and the picture stays small."""

import io

import numpy as np
import polars as pl
import pytest
from PIL import Image

from kernels.charts.tensors import MAX_CELLS, _grid, plot_update_ratios  # pyright: ignore[reportPrivateUsage]


def statistics(num_tensors: int, num_steps: int, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    steps, tensors = np.repeat(np.arange(1, num_steps + 1) * 10, num_tensors), [f"blocks.{index}.weight" for index in range(num_tensors)] * num_steps
    return pl.DataFrame({"step": steps, "tensor": tensors, "update_ratio": 10 ** random.normal(-3, 1, len(steps))})


def test_a_cell_is_the_logarithm_of_its_ratio_in_the_order_of_model_and_steps() -> None:
    rows = pl.DataFrame({"step": [20, 20, 10, 10], "tensor": ["b", "a", "b", "a"], "update_ratio": [1e-2, 1e-5, 1e-3, 1e-4]})
    names, steps, found = _grid(rows)
    assert (names, steps) == (["b", "a"], [10, 20])
    np.testing.assert_allclose(found, [[-3, -2], [-4, -5]])


def test_what_was_not_changed_or_has_no_ratio_is_told_apart() -> None:
    rows = pl.DataFrame({"step": [1, 1, 2, 2], "tensor": ["a", "b", "a", "b"], "update_ratio": [0.0, None, 1e-3, float("inf")]})
    _, _, found = _grid(rows)
    assert np.isnan(found).tolist() == [[True, False], [True, True]]


def test_steps_share_cells_where_there_are_too_many() -> None:
    _, steps, found = _grid(statistics(300, 250))
    assert found.size <= MAX_CELLS and len(steps) == found.shape[1] and steps[0] == 10
    one = statistics(1, 200)
    np.testing.assert_allclose(_grid(one)[2][0, 0], np.log10(one["update_ratio"][:2]).mean())


@pytest.mark.parametrize(("num_tensors", "num_steps"), [(1, 1), (12, 40), (150, 100), (400, 1000)])
def test_the_picture_is_a_small_png(num_tensors: int, num_steps: int) -> None:
    picture = plot_update_ratios(statistics(num_tensors, num_steps))
    assert len(picture) < 50_000 and Image.open(io.BytesIO(picture)).format == "PNG"


def test_a_hotter_tensor_is_another_picture_and_the_order_of_rows_is_none() -> None:
    plain = statistics(4, 10)
    hot = plain.with_columns(update_ratio=pl.when(pl.col("tensor") == "blocks.2.weight").then(0.1).otherwise("update_ratio"))
    assert plot_update_ratios(hot) != plot_update_ratios(plain)
    assert plot_update_ratios(plain.sample(fraction=1.0, shuffle=True, seed=1).sort("tensor")) == plot_update_ratios(plain)


def test_no_row_is_an_error() -> None:
    with pytest.raises(ValueError, match="no statistics to plot"):
        plot_update_ratios(statistics(1, 1).clear())
