"""Cells made by an engine's workers. What counts in the end is not what workers say but what stands in the lake."""

import uuid
from collections.abc import Callable
from typing import NamedTuple

import dagster as dg

from assets.graph.artifact import Artifact, Contents, identify
from resources.engines.dispatch import run_batch
from resources.engines.engine import Batch, Engine
from resources.storage.home import Home
from resources.storage.lake import Cell, Lake, Manifest
from resources.storage.progress import Progress, tell
from resources.storage.sources import load_registry

CELL_ERRORS = (ValueError, KeyError, OSError, RuntimeError, ArithmeticError)
"""What ends one cell and not the run."""
ENGINE_FOLDER = "engine"
"""Below the home: what engines and their workers write while they are at work."""
NOT_SEEN = "its worker says that it was made, yet it is not in the lake; let all workers see one lake and one home"


class Blueprint(NamedTuple):
    """What an engine's worker builds the graph from."""

    opener: str
    """``module:function``, see `resources.engines.engine.Batch`."""
    recipe_file: str


class Site(NamedTuple):
    """Where a run works."""

    lake: Lake
    home: Home
    engine: Engine
    blueprint: Blueprint


class Made(NamedTuple):
    """What became of the cells of a run."""

    standing: dict[str | None, Manifest]
    failures: dict[Cell, str]


class Order(NamedTuple):
    """A cell that a worker is to make."""

    cell: Cell
    fingerprint: str
    """What it is to be made from: a worker that would make it from anything else refuses."""
    replaces: str
    """The version that stands, if any."""

    def filled(self, lake: Lake) -> Manifest | None:
        """Return the cell's manifest if it stands as ordered."""
        manifest = lake.manifest(self.cell)
        return manifest if manifest is not None and manifest.fingerprint == self.fingerprint and manifest.version != self.replaces else None


def make_on_engine(context: dg.AssetExecutionContext, artifact: Artifact, wanted: list[str | None], force: bool, site: Site) -> Made:
    """Have an engine's workers make the cells that are not as they should be."""
    lake = site.lake
    made, orders = _survey(context, artifact, wanted, force, lake)
    told: set[Cell] = set()

    def relay(progress: Progress) -> None:
        if progress.kind != "made":
            tell(progress)
        elif orders[str(progress.cell.partition)].filled(lake):
            tell(progress)
            told.add(progress.cell)

    reasons = _run(context, artifact, orders, site, relay) if orders else {}
    for partition, order in orders.items():
        manifest = order.filled(lake)
        if manifest is None:
            made.failures[order.cell] = say_failed(context, order.cell, reasons.get(partition, NOT_SEEN))
            continue
        made.standing[partition] = manifest
        if order.cell not in told:  # its worker was lost before it could say so
            tell(Progress(order.cell, "made"))
    return Made({partition: made.standing[partition] for partition in wanted if partition in made.standing}, made.failures)


def _survey(
    context: dg.AssetExecutionContext, artifact: Artifact, wanted: list[str | None], force: bool, lake: Lake
) -> tuple[Made, dict[str, Order]]:
    """Return the cells that stand or cannot be made, and the orders for all others by partition."""
    registry = load_registry(lake, artifact.recipe)
    contents = Contents(lake, registry, artifact.recipe)
    made, orders = Made({}, {}), dict[str, Order]()
    for partition in wanted:
        cell = artifact.cell(partition)
        try:
            manifest, fingerprint = lake.manifest(cell), identify(artifact, partition, registry, contents).fingerprint
        except CELL_ERRORS as error:
            made.failures[cell] = say_failed(context, cell, error)
            continue
        if manifest is not None and not force and manifest.fingerprint == fingerprint:
            leave_alone(context, cell)
            made.standing[partition] = manifest
        else:
            orders[str(partition)] = Order(cell, fingerprint, manifest.version if manifest else "")
    return made, orders


def _run(
    context: dg.AssetExecutionContext, artifact: Artifact, orders: dict[str, Order], site: Site, relay: Callable[[Progress], None]
) -> dict[str, str]:
    """Run the engine on the orders and return the partitions that were not made, with the reason."""
    home, engine = site.home, site.engine
    settings = {
        "recipe_file": site.blueprint.recipe_file,
        "asset": artifact.name,
        "home": str(home.root),
        "lake_url": home.lake_url,
        "package_cache": str(home.package_cache),
    }
    items = [[partition, order.fingerprint, order.replaces] for partition, order in orders.items()]
    folder = home.root / ENGINE_FOLDER / f"{artifact.name.replace('/', '-')}-{uuid.uuid4().hex[:8]}"
    context.log.info(f"{len(items)} cells go to {engine.num_workers} {engine.kind} workers, who write to {folder}")
    try:
        return run_batch(engine, Batch(opener=site.blueprint.opener, settings=settings, items=items), folder, relay)
    except RuntimeError as error:  # it could not be started: nothing was made
        return dict.fromkeys(orders, str(error))


def leave_alone(context: dg.AssetExecutionContext, cell: Cell) -> None:
    """Say that a cell is as it should be."""
    context.log.info(f"{cell}: unchanged, nothing to do")
    tell(Progress(cell, "unchanged"))


def say_failed(context: dg.AssetExecutionContext, cell: Cell, failure: Exception | str) -> str:
    """Say that a cell failed, with the traceback where it failed in this process, and return why."""
    reason = failure if isinstance(failure, str) else f"{type(failure).__name__}: {failure}"
    context.log.error(f"{cell}: {reason}", exc_info=isinstance(failure, Exception))
    tell(Progress(cell, "failed", str(failure)))
    return reason
