"""How long a step takes on devices that are joined by known links, from what an imagined process sends.

Products take what they take on one device. Sums of gradients and gathers of weights go on beside them, and cost what is left over; what a block waits
for before it can go on, and what is sent while nothing is computed, costs all of its time. Devices of a pipeline wait while it fills and empties
(Narayanan et al. 2021, arXiv 2104.04473, section 2.2).
"""

from collections.abc import Sequence
from typing import NamedTuple

from kernels.specs.layout import Axis, Layout
from kernels.training.costs.hardware import Hardware, Links
from kernels.training.costs.work import UPDATE_BYTES
from kernels.training.parallel.team import members, shape_of
from kernels.training.worlds.imagined import Imagined
from kernels.training.worlds.watching import Traffic

LINK_EFFICIENCY = 0.8
"""Share of a link's bandwidth that large messages take: assumed."""


class StepTime(NamedTuple):
    """Seconds of a step of the slowest device."""

    products: float
    bubble: float
    """Of waiting for the first part of a pipeline to come and for the last to leave."""
    waiting: float
    """For what others send."""
    update: float

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self)


def step_time(flops: float, peak: float, layout: Layout, found: Imagined, hardware: Hardware) -> StepTime:
    """Return the time of a step.

    Args:
        flops: of the step, of all processes together, with what is computed again.
        peak: of a device, FLOP/s in the precision of the products.
        layout: of the processes.
        found: what one of them sends and holds.
        hardware: of each.

    Raises:
        ValueError: it is not known what joins such devices, or weights are moved by the machine, of which nothing is known.
    """
    if layout.offload != "none":
        raise ValueError(f"{hardware.name}: how fast the machine beside it moves weights is not known; take offload: none to be told a time")
    products = flops / layout.processes / (peak * hardware.efficiency)
    bubble = products * (layout.pipeline - 1) / (layout.num_parts * layout.stages_per_process)
    alone = [each for each in found.traffic if _is_waited_for(each, layout)]
    beside = [each for each in found.traffic if not _is_waited_for(each, layout)]
    left_over = max(0.0, _seconds(beside, layout, hardware) - products)
    update = found.num_moved * UPDATE_BYTES / hardware.bandwidth
    return StepTime(products, bubble, _seconds(alone, layout, hardware) + left_over, update)


def _is_waited_for(traffic: Traffic, layout: Layout) -> bool:
    """Return whether nothing is computed beside: between the halves of a block, between parts of a pipeline, and where all weights are gathered."""
    if "tensor" in traffic.axes or "pipeline" in traffic.axes:
        return True
    is_gathered_at_once = traffic.operation == "all_gather" and layout.zero in (1, 2)
    return is_gathered_at_once or (layout.pipeline > 1 and traffic.operation in ("all_reduce", "reduce_scatter"))


def _seconds(traffic: Sequence[Traffic], layout: Layout, hardware: Hardware) -> float:
    return sum(each.sent_bytes / (LINK_EFFICIENCY * _bandwidth(each.axes, layout, hardware)) for each in traffic)


def _bandwidth(axes: tuple[Axis, ...], layout: Layout, hardware: Hardware) -> float:
    """Return the bandwidth of the slowest link between processes that differ in some axes alone, which stand on nodes by their numbers."""
    links = _links(hardware)
    is_inside = all(number // links.devices_per_node == 0 for number in members(shape_of(layout), axes)[0])
    found = links.inside if is_inside else links.between
    if found is None:
        raise ValueError(
            f"{hardware.name}: what joins more than {links.devices_per_node} of them is not known; take fewer processes or another device"
        )
    return found


def _links(hardware: Hardware) -> Links:
    if hardware.links is None:
        raise ValueError(f"{hardware.name}: what joins several of them is not known; take another device")
    return hardware.links
