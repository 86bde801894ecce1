"""The loss curve of a training run as a PNG."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# matplotlib's **kwargs have no types

import polars as pl

from kernels.charts.png import BLUE, GREY, png


def plot_losses(losses: pl.DataFrame) -> bytes:
    """Return a PNG of loss against step; ``losses`` has step, loss and optionally validation_loss (null between validations).

    Raises:
        ValueError: there is no step.
    """
    from matplotlib.figure import Figure

    if losses.is_empty():
        raise ValueError("no losses to plot; the run reported no step")
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    curves = {"loss": ("training", GREY, ""), "validation_loss": ("validation", BLUE, "o")}
    for column in [name for name in curves if name in losses.columns]:
        label, colour, marker = curves[column]
        points = losses.select("step", column).drop_nulls().sort("step")
        axes.plot(points["step"], points[column], color=colour, marker=marker, markersize=3, linewidth=1.2, label=label)
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per token)")
    axes.spines[["top", "right"]].set_visible(False)
    if "validation_loss" in losses.columns:
        axes.legend(frameon=False)
    return png(figure)
