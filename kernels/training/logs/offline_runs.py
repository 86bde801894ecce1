"""Records of a training as an offline run of Weights & Biases, for those who keep their runs there.

``wandb sync FOLDER`` sends it, and nothing else does. The library writes clock, host and user into it, so that it belongs into no checkpoint, only
beside one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kernels.specs.extras import Extra
from kernels.training.logs.event_files import scalars_of_record

WANDB = Extra("wandb", "wandb")


def write_offline_run(records: Sequence[Mapping[str, float | None]], folder: Path, project: str, name: str) -> None:
    """Write the records of a training, a step each, as an offline run into a folder. Nothing is sent and nobody is asked for a key.

    Raises:
        ModuleNotFoundError: the extra is not installed (names the remedy).
    """
    wandb = WANDB.require("runs of Weights & Biases")
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
    with wandb.init(project=project, name=name, settings=settings) as run:
        for row in records:
            found = scalars_of_record(row, 0.0)
            run.log(dict(found.values), step=found.step)
