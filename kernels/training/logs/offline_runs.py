"""What a training told as an offline run of Weights & Biases, for those who keep their runs there.

``wandb sync FOLDER`` sends it, and nothing else does. The library writes clock, host and user into it, so that it belongs into no checkpoint, only
beside one.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kernels.specs.extras import Extra
from kernels.training.logs.event_files import Scalars

WANDB = Extra("wandb", "wandb")
PURPOSE = "runs of Weights & Biases"


class OfflineRun(NamedTuple):
    """A run as it is found among others there."""

    project: str
    group: str
    name: str
    run_id: str
    """The same for the same training, so that it is one run however often it is sent."""
    config: Mapping[str, Any]
    """What was computed, as JSON holds it."""


def write_offline_run(told: Sequence[Scalars], run: OfflineRun, folder: Path) -> Path:
    """Write what a training told, a step each, as an offline run into a folder. Nothing is sent and nobody is asked for a key.

    Returns:
        The folder that ``wandb sync`` takes.

    Raises:
        ModuleNotFoundError: the extra is not installed (names the remedy).
    """
    wandb: Any = WANDB.require(PURPOSE)
    folder.mkdir(parents=True, exist_ok=True)
    settings = wandb.Settings(
        mode="offline",
        console="off",
        silent=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        save_code=False,
        disable_git=True,
        root_dir=str(folder),
    )
    with wandb.init(project=run.project, group=run.group, name=run.name, id=run.run_id, config=dict(run.config), settings=settings) as begun:
        for found in told:
            when = {"_timestamp": found.wall_time} if found.wall_time else {}
            begun.log({**found.values, **when}, step=found.step)
        written = Path(begun.settings.sync_dir)
    wandb.teardown()  # its own process, which would outlive this one's children
    return written


def sync_command(written: Path) -> str:
    """Return what a user types to send a run."""
    return f"wandb sync {shlex.quote(str(written))}"
