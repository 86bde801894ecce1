"""Resumable state of a training loop: tensors and numbers that reach the disk whole or not at all.

A state is a folder ``step-NNNNNN`` written aside, synced and renamed; the last two are kept. Tensors are safetensors, numbers JSON: nothing
that is read back can run code.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

KEPT = 2


class TrainingState(NamedTuple):
    """All that a loop needs to go on as if it had never stopped."""

    step: int
    """Steps done."""
    tensors: dict[str, Any]
    """Model and optimizer, by name, and random state where the loop draws on any."""
    records: list[dict[str, float | None]]
    """What was logged up to here."""


def save_state(folder: Path, state: TrainingState) -> None:
    """Write a state atomically and remove those older than the last two."""
    from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

    target = folder / f"step-{state.step:06d}"
    aside = folder / f".{target.name}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in state.tensors.items()}, aside / "tensors.safetensors")
    (aside / "numbers.json").write_text(json.dumps({"step": state.step, "records": state.records}))
    for path in (aside / "tensors.safetensors", aside / "numbers.json", aside):
        _sync(path)
    if target.exists():
        shutil.rmtree(target)
    aside.rename(target)
    _sync(folder)
    for old in _states(folder)[:-KEPT]:
        shutil.rmtree(old)


def load_state(folder: Path) -> TrainingState | None:
    """Return the latest whole state, None where there is none."""
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    states = _states(folder)
    if not states:
        return None
    numbers: dict[str, Any] = json.loads((states[-1] / "numbers.json").read_text())
    return TrainingState(numbers["step"], load_file(states[-1] / "tensors.safetensors"), numbers["records"])


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _states(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"))
