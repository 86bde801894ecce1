"""The curves of trainings as PNGs: of one, all that was measured at its steps; of several, what they came to with the tokens they read."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# matplotlib's **kwargs have no types

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from kernels.charts.numbers import size_words
from kernels.charts.png import BLUE, GREY, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NUM_COLOURS = 64
"""Of a plot of several runs, whose lines differ by colour alone."""
SMOOTHED_SHARE = 50
"""A line of a plot of several runs is the mean over this part of its steps: single batches would hide one run behind another."""
VALIDATIONS = {"validation_bits_per_byte": "validation (bits per byte)", "validation_loss": "validation loss (nats)"}
"""What a validation measures, the fairest first, with its title."""
_COLUMNS = 3
_PALETTE = "tab10"


class Panel(NamedTuple):
    """What one small plot shows: columns that share an axis, each drawn where it is measured."""

    title: str
    columns: dict[str, tuple[str, str]]
    """Word and colour by column."""


PANELS = (
    Panel("loss (nats)", {"loss": ("training", GREY), "validation_loss": ("validation", BLUE)}),
    Panel("validation (bits per byte)", {"validation_bits_per_byte": ("validation", BLUE)}),
    Panel(
        "chosen answer preferred (share of pairs)",
        {"rewards/accuracies": ("training", GREY), "validation_rewards/accuracies": ("validation", BLUE)},
    ),
    Panel("learning rate", {"learning_rate": ("", GREY)}),
    Panel("gradient norm", {"gradient_norm": ("", GREY)}),
    Panel("tokens per second", {"tokens_per_second": ("", GREY)}),
    Panel("share of the peak (MFU)", {"mfu": ("", GREY)}),
)


def plot_losses(losses: pl.DataFrame) -> bytes:
    """Return a PNG of a training: a panel for each thing measured, against step.

    ``losses`` has step, loss (nats a token; a pair of answers where preferences are learned) and optionally the columns of `PANELS`, null where they
    were not measured; a panel of which nothing was is not drawn.

    Raises:
        ValueError: there is no step.
    """
    from matplotlib.figure import Figure

    if losses.is_empty():
        raise ValueError("no losses to plot; the run reported no step")
    panels = [panel for panel in PANELS if any(_is_measured(losses, column) for column in panel.columns)] or [PANELS[0]]
    num_columns = min(len(panels), _COLUMNS)
    num_rows = math.ceil(len(panels) / num_columns)
    width = 6.0 if num_columns == 1 else 3.3 * num_columns
    figure = Figure(figsize=(width, 3.2 if num_rows == 1 else 2.4 * num_rows), layout="constrained")
    grid = figure.subplots(num_rows, num_columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, losses, panel)
    return png(figure)


def plot_runs(runs: Mapping[str, pl.DataFrame]) -> bytes:
    """Return a PNG of several trainings that compare, a line each in the order given: what validation measured, and the training loss.

    Validation in bits a byte, where every run was measured by it, else in nats where every run was validated; against tokens read where every
    run counts them a step (``num_tokens``), else against step. ``runs`` has the losses of each, by model, as `plot_losses` takes them.

    Raises:
        ValueError: there is no run, or one has no step (names it).
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    empty = [name for name, losses in runs.items() if losses.is_empty()]
    if not runs or empty:
        raise ValueError(f"no losses to plot of {', '.join(empty) or 'any model'}; leave out models that were not trained")
    by_tokens = all(_is_measured(losses, "num_tokens") for losses in runs.values())
    measured = next((column for column in VALIDATIONS if all(_is_measured(losses, column) for losses in runs.values())), None)
    columns = [*([measured] if measured else []), "loss"]
    figure = Figure(figsize=(4.6 * len(columns) if measured else 6.4, 3.8), layout="constrained")
    for axes, column in zip(figure.subplots(1, len(columns), squeeze=False).flat, columns, strict=True):
        for index, (name, losses) in enumerate(runs.items()):
            _draw_run(axes, name, _read(losses, by_tokens=by_tokens), column, colormaps[_PALETTE](index % 10), "-" if index < 10 else "--")
        if by_tokens:
            axes.xaxis.set_major_formatter(FuncFormatter(_counted))
        axes.set_xlabel("training tokens" if by_tokens else "step", fontsize=8)
        axes.set_title(VALIDATIONS.get(column, "training loss (nats)"), fontsize=9, loc="left")
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    figure.supxlabel("training loss: mean of neighbouring steps", fontsize=8, color=GREY)
    return png(figure, NUM_COLOURS)


def _counted(value: float, _: float) -> str:
    return size_words(value)


def _draw_panel(axes: "Axes", losses: pl.DataFrame, panel: Panel) -> None:
    """Draw one panel; what is measured at some steps only has a mark at each."""
    for column, (label, colour) in panel.columns.items():
        if not _is_measured(losses, column):
            continue
        points = losses.select("step", column).drop_nulls().drop_nans().sort("step")
        marker = "o" if len(points) < len(losses) else ""
        axes.plot(points["step"], points[column], color=colour, marker=marker, markersize=3, linewidth=1.2, label=label)
    axes.set_xlabel("step", fontsize=8)
    axes.set_title(panel.title, fontsize=9, loc="left")
    axes.tick_params(labelsize=8)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.spines[["top", "right"]].set_visible(False)
    if len(axes.lines) > 1:
        axes.legend(frameon=False, fontsize=8)


def _read(losses: pl.DataFrame, *, by_tokens: bool) -> pl.DataFrame:
    """Return a run in order, with how far it had read at each step."""
    return losses.sort("step").with_columns(x=pl.col("num_tokens").fill_null(0).cum_sum() if by_tokens else pl.col("step"))


def _draw_run(axes: "Axes", name: str, read: pl.DataFrame, column: str, colour: tuple[float, ...], line: str) -> None:
    """Draw one run of several: a validation has a mark at each, the training loss is a mean over neighbouring steps."""
    points = read.select("x", pl.col(column).fill_nan(None)).drop_nulls()
    if column == "loss":
        width = max(1, len(read) // SMOOTHED_SHARE)
        points = points.with_columns(pl.col("loss").rolling_mean(width, min_samples=1))
    marker = "" if column == "loss" else "o"
    axes.plot(points["x"], points[column], line, color=colour, marker=marker, markersize=3, linewidth=1.2, label=name)


def _is_measured(losses: pl.DataFrame, column: str) -> bool:
    return column in losses.columns and losses[column].is_not_null().any()
