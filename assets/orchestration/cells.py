"""Making the cells of a run: in its own process here, or by an engine's workers (engine_cells.py). The bytes are the same."""

import time
from collections.abc import Callable
from typing import Any

import dagster as dg

from assets.graph.artifact import Artifact
from assets.graph.build import Workplace
from assets.graph.making import make, make_together
from assets.graph.state import GraphState
from assets.orchestration.engine_cells import make_on_engine
from assets.orchestration.run_cells import CellOutcomes, RunSettings, tell_failed, tell_unchanged
from resources.devices.launchers import PipesLauncher
from resources.engines.joining import starter
from resources.storage.faults import is_disk_full
from resources.storage.manifest import Cell, Manifest
from resources.storage.progress import Progress, tell
from resources.storage.sources import load_sources

MAX_FAILURE_CHARS = 4000
OBSERVE_SECONDS = 5.0


def make_cells(
    context: dg.AssetExecutionContext, artifact: Artifact, wanted: list[str | None], force: bool, settings: RunSettings
) -> dict[str | None, Manifest]:
    """Make the cells that are not as they should be; return all wanted ones that stand. One that fails does not stop the others."""
    state = GraphState(settings.graph, settings.lake, load_sources(settings.lake, artifact.recipe))
    made, waiting = _survey(context, artifact, wanted, force, state)
    on_engine = settings.engine.kind != "inline" and artifact.partitioning is not None and not artifact.uses_gpu
    if waiting and on_engine:
        make_on_engine(context, artifact, waiting, state, settings, made)
    elif waiting:
        _make_here(context, artifact, waiting, state, settings, made)
    messages = [f"{cell}: {message}" for cell, message in made.failures.items()]
    if messages and (len(messages) == len(wanted) or artifact.partitioning is None):
        raise dg.Failure("\n".join(messages)[:MAX_FAILURE_CHARS], allow_retries=artifact.uses_gpu)
    if messages:
        context.log.error(f"{len(messages)} of {len(wanted)} cells failed; the others stand")
    return {partition: made.standing[partition] for partition in wanted if partition in made.standing}


def stale_ones(artifact: Artifact, wanted: list[str | None], settings: RunSettings) -> list[str | None]:
    """Return the partitions whose cells are stale now: what they are made from stands, and is not what it was."""
    state = GraphState(settings.graph, settings.lake, load_sources(settings.lake, artifact.recipe))
    stale = {status.cell.partition for status in state.cells if status.cell.asset == artifact.name and status.state == "stale"}
    return [partition for partition in wanted if partition in stale]


def _survey(
    context: dg.AssetExecutionContext, artifact: Artifact, wanted: list[str | None], force: bool, state: GraphState
) -> tuple[CellOutcomes, list[str | None]]:
    """Return the cells that stand or cannot be made, and the partitions of all others."""
    made, waiting = CellOutcomes({}, {}), list[str | None]()
    for partition in wanted:
        cell, record = artifact.cell(partition), state.record(artifact.name, partition)
        try:
            fingerprint = state.identity(artifact, partition).fingerprint
        except Exception as error:  # whatever it is, it ends one cell and not the run
            made.failures[cell] = tell_failed(context, cell, error)
            continue
        if record.manifest is not None and not record.trouble and not force and record.manifest.fingerprint == fingerprint:
            tell_unchanged(context, cell)
            made.standing[partition] = record.manifest
        else:
            waiting.append(partition)
    return made, waiting


def _workplace(context: dg.AssetExecutionContext, settings: RunSettings, cell: Cell) -> Workplace:
    """Return where a run makes a cell, or several that its numbers are told as one."""
    return Workplace(settings.home, PipesLauncher(context), _observer(context, cell), starter(settings.engine), settings.inference)


def _make_here(
    context: dg.AssetExecutionContext,
    artifact: Artifact,
    waiting: list[str | None],
    state: GraphState,
    settings: RunSettings,
    made: CellOutcomes,
) -> None:
    """Make cells in this process, one after another or all in one go."""
    if artifact.build_together is not None:
        place = _workplace(context, settings, artifact.cell(waiting[0]))
        try:
            standing, failures = make_together(artifact, waiting, state, place)
        except Exception as error:  # of beginning one of them: none was made
            standing, failures = {}, dict.fromkeys(waiting, error)
        made.standing.update(standing)
        for partition, reason in failures.items():
            made.failures[artifact.cell(partition)] = tell_failed(context, artifact.cell(partition), reason)
        return
    for number, partition in enumerate(waiting):
        cell = artifact.cell(partition)
        place = _workplace(context, settings, cell)
        try:
            made.standing[partition] = make(artifact, partition, state, place)
        except Exception as error:  # the same
            made.failures[cell] = tell_failed(context, cell, error)
            if is_disk_full(error):  # the others would fail as this one did
                made.failures.update({artifact.cell(left): made.failures[cell] for left in waiting[number + 1 :]})
                return


def _observer(context: dg.AssetExecutionContext, cell: Cell) -> Callable[[dict[str, Any]], None]:
    """Return what passes a job's numbers on: all to whoever watches, some as observations, which the UI plots while the run goes on.

    First and last step are among them, however short a training is.
    """
    observed_at = float("-inf")

    def observe(report: dict[str, Any]) -> None:
        nonlocal observed_at
        numbers = {name: value for name, value in report.items() if isinstance(value, int | float)}
        shown = [f"{name} {numbers[name]:.4g}" for name in ("loss", "tokens_per_second") if name in numbers]
        message = str(report.get("label") or ", ".join(shown))
        tell(Progress(cell, "advanced", message, int(numbers.get("step", 0)), int(numbers.get("num_steps", 0))))
        ends = numbers.get("step") == numbers.get("num_steps")
        if "loss" in numbers and (ends or time.monotonic() - observed_at >= OBSERVE_SECONDS):
            observed_at = time.monotonic()
            context.log_event(dg.AssetObservation(asset_key=context.asset_key, metadata=numbers))

    return observe
