"""The ladder of a scaling law as a PNG: what each size reached, the law through them, and what it promised of a run beside what that run did."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# matplotlib's **kwargs have no types

from typing import TYPE_CHECKING, Literal, NamedTuple

import polars as pl

from kernels.charts.numbers import size_words
from kernels.charts.png import GREY, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RED = "#c53030"
NUM_COLOURS = 64
X_LABELS = {"flops": "training FLOPs", "num_tokens": "training tokens"}


class Promise(NamedTuple):
    """A run that was predicted: where on the x axis, the loss with its 95% interval, and what the run then reached, None before it is made."""

    x: float
    loss: float
    low: float
    high: float
    reached: float | None


def plot_scaling(
    runs: pl.DataFrame, fitted: pl.DataFrame, promises: list[Promise], *, x: Literal["flops", "num_tokens"], loss_label: str, formula: str
) -> bytes:
    """Return a PNG of loss against compute or tokens, both axes in logs: a line a size, the law dashed, the prediction with its bar.

    Args:
        runs: one row a run (num_parameters, the x column, loss).
        fitted: points of the law (num_parameters, the x column, loss), drawn through in order of x, a line a size; a size of null is the law along
            the path of all sizes.
        promises: runs that were predicted.
        x: the column of the x axis.
        loss_label: of the y axis, with its unit.
        formula: of the law with its constants, for the heading.

    Raises:
        ValueError: there is no run, or a value is not above zero, which an axis in logs cannot show.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    _require_positive(runs, x)
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    sizes = runs["num_parameters"].unique().sort().to_list()
    shades = colormaps["viridis"]
    for index, size in enumerate(sizes):
        colour = shades(0.85 * index / max(1, len(sizes) - 1))
        points = runs.filter(pl.col("num_parameters") == size).sort(x)
        axes.plot(points[x], points["loss"], "o-", color=colour, markersize=4, linewidth=1.2, label=size_words(size))
    for _, curve in fitted.sort(x).group_by("num_parameters", maintain_order=True):
        axes.plot(curve[x], curve["loss"], "--", color=GREY, linewidth=1)
    if not fitted.is_empty():
        axes.plot([], [], "--", color=GREY, linewidth=1, label="law")
    _draw_promises(axes, promises)
    _finish(axes, X_LABELS[x], loss_label, formula)
    return png(figure, NUM_COLOURS)


def _require_positive(runs: pl.DataFrame, x: str) -> None:
    if runs.is_empty():
        raise ValueError("no runs to plot; a ladder has a run a size")
    low = runs.select(pl.min_horizontal(pl.col(x).min(), pl.col("loss").min())).item()
    if low is None or not low > 0:
        raise ValueError(f"a run has {low} for {x} or loss, and axes in logs show what is above zero only; leave that run out")


def _draw_promises(axes: "Axes", promises: list[Promise]) -> None:
    for index, promise in enumerate(promises):
        below, above = max(0.0, promise.loss - promise.low), max(0.0, promise.high - promise.loss)
        label = "predicted, 95%" if index == 0 else None
        axes.errorbar([promise.x], [promise.loss], yerr=[[below], [above]], fmt="D", color=RED, markersize=5, capsize=4, linewidth=1.2, label=label)
    reached = [(promise.x, promise.reached) for promise in promises if promise.reached is not None]
    if reached:
        axes.plot(
            [x for x, _ in reached], [y for _, y in reached], "o", color="none", markersize=11, markeredgecolor="black", label="reached", zorder=5
        )


def _finish(axes: "Axes", x_label: str, loss_label: str, formula: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    few = high / low < 4  # where powers of ten would leave an axis without a number
    axes.yaxis.set_major_locator(LogLocator(10, (1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9) if few else (1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(x_label)
    axes.set_ylabel(loss_label)
    axes.set_title(formula, fontsize=9, loc="left", color=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, title="parameters", title_fontsize=8)


def _plain(value: float, _: float) -> str:
    return f"{value:g}"
