"""Scores of many models as a PNG, small enough (under 50 KB) to be shown beside an asset."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# matplotlib's **kwargs have no types

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from kernels.charts.png import BLUE, GREY, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS_PER_ROW = 3


def plot_scores(headlines: pl.DataFrame, models: Sequence[str]) -> bytes:
    """Return a PNG: a panel an eval, a point and its 95% interval a model, chance dashed; the models from the top down.

    Args:
        headlines: one row a model and eval (model, eval, metric, value, low, high, chance, higher_is_better).
        models: all models of it, in the order to draw them.

    Raises:
        ValueError: there are no scores.
    """
    from matplotlib.figure import Figure

    if headlines.is_empty():
        raise ValueError("no scores to plot; run an eval that scores first")
    panels = headlines.partition_by("eval", maintain_order=True)
    num_columns = min(len(panels), _PANELS_PER_ROW)
    num_rows = math.ceil(len(panels) / num_columns)
    label_inches = 0.2 + 0.075 * max(map(len, models))
    figure = Figure(figsize=(label_inches + 2.9 * num_columns, num_rows * (1.0 + 0.3 * len(models))), layout="constrained")
    grid = figure.subplots(num_rows, num_columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, panel, list(models))
    figure.supxlabel("bars: 95% interval; dashed: chance", fontsize=8, color=GREY)
    return png(figure)


def _draw_panel(axes: "Axes", panel: pl.DataFrame, models: list[str]) -> None:
    rows = [len(models) - 1 - models.index(model) for model in panel["model"]]
    axes.hlines(rows, panel["low"], panel["high"], color=BLUE, linewidth=1.5)
    axes.plot(panel["value"], rows, "o", color=BLUE, markersize=5)
    for value, row in zip(panel["value"], rows, strict=True):
        axes.annotate(f"{value:.3f}", (value, row), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=8)
    chance = panel["chance"].drop_nulls()
    if not chance.is_empty():
        axes.axvline(float(chance[0]), color=GREY, linestyle="--", linewidth=1)
    direction = "" if panel["higher_is_better"][0] else ", lower is better"
    axes.set_title(panel["eval"][0], fontsize=10, loc="left")
    axes.set_xlabel(panel["metric"][0].replace("_", " ") + direction, fontsize=8)
    axes.set_yticks(range(len(models)), models[::-1], fontsize=9)
    axes.margins(x=0.1)
    axes.set_ylim(-0.5, len(models) - 0.3)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
