"""Cells made by an engine's workers. What counts in the end is not what workers say but what stands in the lake."""

import uuid
from collections.abc import Callable
from typing import NamedTuple

import dagster as dg

from assets.graph.artifact import Artifact
from assets.graph.state import GraphState
from assets.orchestration.run_cells import CellOutcomes, RunSettings, tell_failed
from resources.engines.dispatch import run_batch
from resources.engines.engine import Batch
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, Manifest
from resources.storage.progress import Progress, tell

ENGINE_FOLDER = "engine"
"""Below the home: what engines and their workers write while they are at work."""
NOT_SEEN = "its worker says that it was made, yet it is not in the lake; let all workers see one lake and one home"


class CellRequest(NamedTuple):
    """A cell that a worker is to make."""

    cell: Cell
    fingerprint: str
    """What it is to be made from: a worker that would make it from anything else refuses."""
    replaces: str
    """The version that stands, if any."""

    def fulfilled(self, lake: Lake) -> Manifest | None:
        """Return the cell's manifest if it stands as requested."""
        manifest = lake.manifest(self.cell)
        return manifest if manifest is not None and manifest.fingerprint == self.fingerprint and manifest.version != self.replaces else None


def make_on_engine(
    context: dg.AssetExecutionContext,
    artifact: Artifact,
    waiting: list[str | None],
    state: GraphState,
    settings: RunSettings,
    made: CellOutcomes,
) -> None:
    """Have an engine's workers make cells; ``made`` takes what became of them."""
    lake = settings.lake
    requests: dict[str, CellRequest] = {}
    for partition in waiting:
        standing = state.manifest(artifact.name, partition)
        fingerprint = state.identity(artifact, partition).fingerprint
        requests[str(partition)] = CellRequest(artifact.cell(partition), fingerprint, standing.version if standing else "")
    told: set[Cell] = set()

    def relay(progress: Progress) -> None:
        if progress.kind != "made":
            tell(progress)
        elif requests[str(progress.cell.partition)].fulfilled(lake):
            tell(progress)
            told.add(progress.cell)

    reasons = _run(context, artifact, requests, settings, relay)
    for partition, request in requests.items():
        manifest = request.fulfilled(lake)
        if manifest is None:
            made.failures[request.cell] = tell_failed(context, request.cell, reasons.get(partition, NOT_SEEN))
            continue
        made.standing[partition] = manifest
        if request.cell not in told:  # its worker was lost before it could say so
            tell(Progress(request.cell, "made"))


def _run(
    context: dg.AssetExecutionContext,
    artifact: Artifact,
    requests: dict[str, CellRequest],
    settings: RunSettings,
    relay: Callable[[Progress], None],
) -> dict[str, str]:
    """Run the engine on the requests and return the partitions that were not made, with the reason."""
    home, engine = settings.home, settings.engine
    words = {
        "recipe_file": settings.blueprint.recipe_file,
        "asset": artifact.name,
        "home": str(home.root),
        "lake_url": home.lake_url,
        "package_cache": str(home.package_cache),
    }
    items = [[partition, request.fingerprint, request.replaces] for partition, request in requests.items()]
    folder = home.root / ENGINE_FOLDER / f"{artifact.name.replace('/', '-')}-{uuid.uuid4().hex[:8]}"
    context.log.info(f"{len(items)} cells go to {engine.num_workers} {engine.kind} workers, who write to {folder}")
    try:
        return run_batch(engine, Batch(opener=settings.blueprint.opener, settings=words, items=items), folder, relay)
    except RuntimeError as error:  # it could not be started: nothing was made
        return dict.fromkeys(requests, str(error))
