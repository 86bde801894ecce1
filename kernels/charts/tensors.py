"""What the tensors of a model did in training, as a PNG: how much each step changed each of them, in colours."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# matplotlib's **kwargs have no types

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kernels.charts.png import GREY, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MIDDLE, SPREAD = -3.0, 2.0
"""Of the logarithms that colours stand for: an update of a thousandth of the weight is neither hot nor cold, a hundred times as much is hottest."""
NUM_COLOURS = 64
MAX_COLUMNS, MAX_CELLS = 100, 12_000
"""Of a picture under 50 KB: past it neighbouring steps share a cell."""
MAX_LABELS = 48


def plot_update_ratios(statistics: pl.DataFrame) -> bytes:
    """Return a PNG with a row a tensor, in the model's order, and the steps from left to right: the update over the weight, as a logarithm.

    ``statistics`` has step, tensor and update_ratio; grey is where nothing was changed or the weight was nothing.

    Raises:
        ValueError: there is no row.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    if statistics.is_empty():
        raise ValueError("no statistics to plot; no step was one at which tensors were looked at")
    names, steps, ratios = _grid(statistics)
    label_inches = 0.3 + 0.065 * max(map(len, names))
    figure = Figure(figsize=(label_inches + 5.5, min(9.0, 1.3 + 0.17 * len(names))), layout="constrained")
    axes = figure.subplots()
    colours = colormaps["coolwarm"].with_extremes(bad=GREY)
    image: Any = axes.imshow(ratios, cmap=colours, vmin=MIDDLE - SPREAD, vmax=MIDDLE + SPREAD, aspect="auto", interpolation="nearest")
    _label(axes, names, steps)
    bar = figure.colorbar(image, ax=axes, extend="both", shrink=0.6 if len(names) > 12 else 1.0)
    bar.set_label("update / weight, log10", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return png(figure, NUM_COLOURS)


def _grid(statistics: pl.DataFrame) -> tuple[list[str], list[int], NDArray[np.float64]]:
    """Return tensors, steps and logarithms [tensor, step], the mean where steps share a cell; not a number where nothing is told."""
    names: list[str] = statistics.sort("step", maintain_order=True)["tensor"].unique(maintain_order=True).to_list()
    steps: list[int] = statistics["step"].unique().sort().to_list()
    together = -(-len(steps) // max(1, min(MAX_COLUMNS, MAX_CELLS // len(names))))
    column = {step: index // together for index, step in enumerate(steps)}
    logs = statistics.filter(pl.col("update_ratio").is_finite() & (pl.col("update_ratio") > 0)).select(
        pl.col("tensor").replace_strict(names, range(len(names)), return_dtype=pl.Int64).alias("row"),
        pl.col("step").replace_strict(column, return_dtype=pl.Int64).alias("column"),
        pl.col("update_ratio").log10().alias("log"),
    )
    means = logs.group_by("row", "column").agg(pl.col("log").mean())
    found: Any = np.full((len(names), column[steps[-1]] + 1), np.nan)
    found[means["row"].to_numpy(), means["column"].to_numpy()] = means["log"].to_numpy()
    return names, steps[::together], found


def _label(axes: "Axes", names: list[str], steps: list[int]) -> None:
    every = -(-len(names) // MAX_LABELS)
    axes.set_yticks(range(0, len(names), every), names[::every], fontsize=7)
    last, count = len(steps) - 1, min(6, len(steps))
    places = sorted({round(last * index / max(1, count - 1)) for index in range(count)})
    axes.set_xticks(places, [str(steps[place]) for place in places], fontsize=8)
    axes.set_xlabel("step", fontsize=8)
    axes.set_title("what steps changed of each tensor", fontsize=9, loc="left")
    axes.spines[:].set_visible(False)
