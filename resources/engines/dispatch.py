"""Handing a batch of items to an engine's workers, again where a worker was lost, up to `MAX_ATTEMPTS` times."""

import shutil
from collections.abc import Callable
from pathlib import Path

from resources.engines.attempt import Attempt
from resources.engines.engine import MAX_TASKS, Batch, Engine, lacking
from resources.storage.progress import Progress

MAX_ATTEMPTS = 3


def run_batch(engine: Engine, batch: Batch, folder: Path, listener: Callable[[Progress], None]) -> dict[str, str]:
    """Do the items of a batch on workers and return those that were not done, each with the reason.

    ``listener`` hears what the workers tell of their cells. The folder goes away unless something failed.

    Raises:
        RuntimeError: the engine could not be started.
    """
    check_installed(engine)
    failed: dict[str, str] = {}
    items = batch.items
    for number in range(1, MAX_ATTEMPTS + 1):
        split = engine.num_tasks(len(items)) if number == 1 else min(len(items), MAX_TASKS)
        attempt = Attempt(engine, Batch(opener=batch.opener, settings=batch.settings, items=items), split, folder / f"attempt-{number}", listener)
        attempt.run()
        failed |= attempt.failed
        items = attempt.unsettled()
        if not items:
            break
    failed |= {item[0]: f"its worker was lost {MAX_ATTEMPTS} times (killed, or out of memory); its logs are in {folder}" for item in items}
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    return failed


def check_installed(engine: Engine) -> None:
    """Raise RuntimeError where what an engine runs on is not installed."""
    if lacks := lacking(engine.kind):
        raise RuntimeError(f"the engine {engine.kind} needs {lacks}, or set MILL_ENGINE to local")
