"""Offline runs of Weights & Biases: what a training told, beside the lake, for those who keep their runs there.

A run's files hold clock and host, so that they are part of no cell. They stand in the home (`Home.offline_run`) until somebody removes them.
"""

import shutil
from pathlib import Path
from typing import Any

from assets.graph.build import CellBuild
from assets.models.jobs import run_job
from kernels.training.logs.event_files import Scalars, scalars_of_record
from kernels.training.logs.losses import LOSSES
from kernels.training.logs.offline_runs import PURPOSE, WANDB, OfflineRun, sync_command, write_offline_run
from kernels.training.logs.telling import read_told
from resources.devices.jobs import Job, Reporter, Request, World
from resources.storage.manifest import Cell


def check_library(cell: Cell) -> None:
    """Raise ModuleNotFoundError where the library is not installed, before anything is trained for it (names the remedy)."""
    if lack := WANDB.lacks(PURPOSE):
        raise ModuleNotFoundError(f"{cell}: {lack}, or leave wandb_project out of its entry")


def keep_offline_run(build: CellBuild, project: str) -> None:
    """Write the run of a training that has come to an end, and say how it is sent.

    Raises:
        RuntimeError: it could not be written; the checkpoint is kept, and the cell stands the next time without training.
    """
    run = OfflineRun(project, build.cell.recipe, build.cell.asset.partition("/")[2], build.identity.fingerprint[:16], build.identity.config)
    folder = build.place.home.offline_run(build.cell, build.identity.fingerprint)
    shutil.rmtree(folder, ignore_errors=True)
    scratch = build.scratch / "offline_run"
    scratch.mkdir(exist_ok=True)
    request = OfflineRunRequest(run=run._asdict(), folder=folder, told=build.scratch, losses=build.draft.folder / LOSSES)
    try:
        written = Path(run_job(build.place, str(build.cell), scratch, request, World(device="cpu")))
    except RuntimeError as error:
        words = f"{build.cell} is trained and kept, but its run for Weights & Biases could not be written"
        raise RuntimeError(f"{words}; mend that or leave wandb_project out, and mill up goes on without training: {error}") from error
    build.draft.metadata["wandb_sync"] = sync_command(written)


class OfflineRunRequest(Request):
    """A run to be written, in a process of its own: the library starts others and listens to signals."""

    run: dict[str, Any]
    """Fields of an `OfflineRun`."""
    folder: Path
    told: Path
    """Scratch folder of the training."""
    losses: Path
    """What stands for it where a method tells nothing there."""

    def fulfil(self, job: Job, report: Reporter) -> str:
        """Write the run and return the folder that is sent."""
        told = read_told(self.told) or _of_losses(self.losses)
        written = write_offline_run(told, OfflineRun(**self.run), self.folder)
        report.say(f"{len(told)} steps for Weights & Biases stand in {written}; nothing is sent until you call: {sync_command(written)}")
        return str(written)


def _of_losses(path: Path) -> list[Scalars]:
    import polars as pl

    return [scalars_of_record(row, 0.0) for row in pl.read_parquet(path, glob=False, hive_partitioning=False).to_dicts()]
