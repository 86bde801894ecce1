"""How long waiting cells will take, from what they, or others of their asset, took before.

A training that was killed and went on took the time of all its attempts.
"""

from collections.abc import Iterable, Sequence
from functools import cache, partial
from statistics import mean
from typing import NamedTuple

from assets.graph.state import GraphState
from resources.storage import ledger
from resources.storage.manifest import Cell, Manifest


class Estimate(NamedTuple):
    """What is known of the time that cells will take."""

    seconds: float
    unknown: list[str]
    """Assets of which no cell has been made yet."""


def estimate(state: GraphState, cells: Iterable[Cell]) -> Estimate:
    """Return the time that cells took when they were last made, and for new ones the mean of their asset's others."""
    seconds, unknown = 0.0, dict[str, None]()
    attempts = cache(partial(ledger.read, state.lake, state.graph.recipe))  # of few cells is anything asked of it
    for cell in cells:
        known = state.manifest(cell.asset, cell.partition)
        others = [] if known else _seconds_of(state, cell.asset)
        if known is not None:
            resumes = cell.partition is None and state.graph.artifacts[cell.asset].uses_gpu
            seconds += known.seconds + (_before(known, attempts()) if resumes else 0.0)
        elif others:
            seconds += mean(others)
        else:
            unknown[cell.asset] = None
    return Estimate(seconds, list(unknown))


def _before(made: Manifest, attempts: Sequence[ledger.Attempt]) -> float:
    """Return what attempts at the same cell took from which the one that made it went on: those since it was last made."""
    seconds = 0.0
    for attempt in attempts:
        if (attempt.asset, attempt.partition, attempt.fingerprint) != (made.asset, made.partition, made.fingerprint):
            continue
        if attempt.version == made.version:
            break
        seconds = seconds + attempt.seconds if attempt.outcome in ("killed", "failed") else 0.0
    return seconds


def _seconds_of(state: GraphState, asset: str) -> list[float]:
    partitions = state.graph.artifacts[asset].partitions(state.observed)
    return [manifest.seconds for partition in partitions if (manifest := state.manifest(asset, partition)) is not None]
