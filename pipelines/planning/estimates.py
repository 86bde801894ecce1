"""How long waiting cells will take, from what they, or others of their asset, took before."""

from collections.abc import Iterable
from statistics import mean
from typing import NamedTuple

from assets.graph.state import GraphState
from resources.storage.manifest import Cell


class Estimate(NamedTuple):
    """What is known of the time that cells will take."""

    seconds: float
    unknown: list[str]
    """Assets of which no cell has been made yet."""


def estimate(state: GraphState, cells: Iterable[Cell]) -> Estimate:
    """Return the time that cells took when they were last made, and for new ones the mean of their asset's others."""
    seconds, unknown = 0.0, dict[str, None]()
    for cell in cells:
        known = state.manifest(cell.asset, cell.partition)
        others = [] if known else _seconds_of(state, cell.asset)
        if known is not None:
            seconds += known.seconds
        elif others:
            seconds += mean(others)
        else:
            unknown[cell.asset] = None
    return Estimate(seconds, list(unknown))


def _seconds_of(state: GraphState, asset: str) -> list[float]:
    partitions = state.graph.artifacts[asset].partitions(state.observed)
    return [manifest.seconds for partition in partitions if (manifest := state.manifest(asset, partition)) is not None]
