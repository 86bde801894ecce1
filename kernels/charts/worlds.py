"""What devices hold and send by how a model is spread over them, as a PNG."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# matplotlib's **kwargs have no types

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kernels.charts.bandwidths import GIGABYTE, NUM_COLOURS
from kernels.charts.png import png

LINES = ("-", "--", ":")


class Point(NamedTuple):
    """A step on so many devices."""

    num_devices: int
    held_bytes: float
    """Of one device."""
    sent_bytes: float
    """By one device."""


def plot_worlds(strategies: Mapping[str, Sequence[Point]], memory_bytes: float | None) -> bytes:
    """Return a PNG of what a device holds, and of what it sends in a step (GB), against the number of devices, a line a strategy, all logarithmic.

    Args:
        strategies: points by the name of the strategy.
        memory_bytes: that a device has.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    held, sent = figure.subplots(1, 2)
    all_devices = sorted({point.num_devices for points in strategies.values() for point in points})
    for number, (name, points) in enumerate(strategies.items()):
        devices = [point.num_devices for point in points]
        style = {"marker": "o", "markersize": 3, "label": name, "linestyle": LINES[number % len(LINES)]}  # some lie on one another
        held.plot(devices, [point.held_bytes / GIGABYTE for point in points], **style)
        sent.plot(devices, [point.sent_bytes / GIGABYTE for point in points], **style)
    if memory_bytes is not None:
        held.axhline(memory_bytes / GIGABYTE, color="black", linewidth=0.8, linestyle="--", label="memory of a device")
    held.set(ylabel="held by a device (GB)")
    sent.set(ylabel="sent by a device in a step (GB)")
    for axes in (held, sent):
        axes.set_xscale("log", base=2)
        axes.set_xticks(all_devices, map(str, all_devices))
        axes.set(yscale="log", xlabel="devices")
        axes.grid(alpha=0.3)
    figure.legend(*held.get_legend_handles_labels(), fontsize=8, frameon=False, loc="outside right center")
    return png(figure, NUM_COLOURS)
