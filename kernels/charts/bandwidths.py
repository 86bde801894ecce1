"""Bandwidths of collective operations by the size of messages, as a PNG."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# matplotlib's **kwargs have no types

from collections.abc import Mapping, Sequence

from kernels.charts.png import png

GIGABYTE = 1e9
NUM_COLOURS = 64
"""Of a plot whose lines differ by colour alone."""


def plot_bandwidths(bandwidths: Mapping[str, Sequence[tuple[int, float]]]) -> bytes:
    """Return a PNG of bus bandwidth (GB/s) against the size of messages (bytes), a line an operation, both axes logarithmic.

    Args:
        bandwidths: sizes, in bytes, and bytes a second, by operation.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, points in bandwidths.items():
        axes.plot([size for size, _ in points], [bandwidth / GIGABYTE for _, bandwidth in points], marker="o", markersize=3, label=name)
    axes.set(xscale="log", yscale="log", xlabel="message (bytes)", ylabel="bus bandwidth (GB/s)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, frameon=False)
    return png(figure, NUM_COLOURS)
