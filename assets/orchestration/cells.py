"""Making the cells of a run: in its own process here, or by an engine's workers (assets/engine_cells.py). The bytes are the same."""

import time
from collections.abc import Callable
from typing import Any

import dagster as dg

from assets.graph.artifact import Artifact, Contents, identify, make
from assets.orchestration.engine_cells import CELL_ERRORS, Made, Site, leave_alone, make_on_engine, say_failed
from resources.devices.launchers import PipesLauncher
from resources.storage.lake import Cell, Manifest
from resources.storage.progress import Progress, tell
from resources.storage.sources import load_registry

MAX_FAILURE_CHARS = 4000
OBSERVE_SECONDS = 5.0


def make_cells(
    context: dg.AssetExecutionContext, artifact: Artifact, wanted: list[str | None], force: bool, site: Site
) -> dict[str | None, Manifest]:
    """Make the cells that are not as they should be; return all wanted ones that stand. One that fails does not stop the others."""
    on_engine = site.engine.kind != "inline" and artifact.partitioned and not artifact.uses_gpu
    made = (make_on_engine if on_engine else _make_here)(context, artifact, wanted, force, site)
    messages = [f"{cell}: {message}" for cell, message in made.failures.items()]
    if messages and (len(messages) == len(wanted) or not artifact.partitioned):
        raise dg.Failure("\n".join(messages)[:MAX_FAILURE_CHARS], allow_retries=artifact.uses_gpu)
    if messages:
        context.log.error(f"{len(messages)} of {len(wanted)} cells failed; the others stand")
    return made.standing


def _make_here(context: dg.AssetExecutionContext, artifact: Artifact, wanted: list[str | None], force: bool, site: Site) -> Made:
    """Make cells one after another in this process."""
    registry = load_registry(site.lake, artifact.recipe)
    made = Made({}, {})
    for partition in wanted:
        cell = artifact.cell(partition)
        try:
            manifest = site.lake.manifest(cell)
            identity = identify(artifact, partition, registry, Contents(site.lake, registry, artifact.recipe))
            if manifest is not None and not force and manifest.fingerprint == identity.fingerprint:
                leave_alone(context, cell)
            else:
                manifest = make(artifact, partition, site.lake, site.home, registry, PipesLauncher(context), _observer(context, cell))
            made.standing[partition] = manifest
        except CELL_ERRORS as error:
            made.failures[cell] = say_failed(context, cell, error)
    return made


def _observer(context: dg.AssetExecutionContext, cell: Cell) -> Callable[[dict[str, Any]], None]:
    """Return what passes a job's numbers on: all to whoever watches, some as observations, which the UI plots while the run goes on."""
    observed_at = time.monotonic()

    def observe(report: dict[str, Any]) -> None:
        nonlocal observed_at
        numbers = {name: value for name, value in report.items() if isinstance(value, int | float)}
        shown = [f"{name} {numbers[name]:.4g}" for name in ("loss", "tokens_per_second") if name in numbers]
        message = str(report.get("label") or ", ".join(shown))
        tell(Progress(cell, "advanced", message, int(numbers.get("step", 0)), int(numbers.get("num_steps", 0))))
        if "loss" in numbers and time.monotonic() - observed_at >= OBSERVE_SECONDS:
            observed_at = time.monotonic()
            context.log_event(dg.AssetObservation(asset_key=context.asset_key, metadata=numbers))

    return observe
