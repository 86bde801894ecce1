"""What a run of cells has in common, wherever they are made: its surroundings, what became of each cell, and the words for it."""

from typing import NamedTuple

import dagster as dg

from assets.graph.artifact import Graph
from assets.graph.build import Failure, reason_of
from resources.devices.inference import Inference
from resources.engines.engine import Engine
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, Manifest
from resources.storage.progress import Progress, tell


class Blueprint(NamedTuple):
    """What an engine's worker builds the graph from."""

    opener: str
    """``module:function``, see `resources.engines.engine.Batch`."""
    recipe_file: str


class RunSettings(NamedTuple):
    """What a run works on, and where."""

    graph: Graph
    lake: Lake
    home: Home
    engine: Engine
    blueprint: Blueprint
    inference: Inference = Inference()


class CellOutcomes(NamedTuple):
    """What became of the cells of a run."""

    standing: dict[str | None, Manifest]
    failures: dict[Cell, str]


def tell_unchanged(context: dg.AssetExecutionContext, cell: Cell) -> None:
    """Say that a cell is as it should be."""
    context.log.info(f"{cell}: unchanged, nothing to do")
    tell(Progress(cell, "unchanged"))


def tell_failed(context: dg.AssetExecutionContext, cell: Cell, failure: Failure) -> str:
    """Say that a cell failed, with the traceback where it failed in this process, and return why."""
    reason = reason_of(failure)
    context.log.error(f"{cell}: {reason}", exc_info=None if isinstance(failure, str) else failure)
    tell(Progress(cell, "failed", reason))
    return reason
