"""Resumable states of a training loop: whichever loop wrote them, a state counts only if its seal says so and nothing in it has changed since.

A state is a folder ``step-NUMBER`` or ``checkpoint-NUMBER``, newest by number. Its seal, written last and in one move after all else has reached the
disk, lists every file with its size and BLAKE2b checksum (RFC 7693). A state that does not agree with its seal is passed over with a word, never
silently and never as an error: training is deterministic, so that going on from an older state costs nothing but time.
A state says of what training it is; one of another config, of another parent or of other data is passed over likewise, and so is one whose journals
(journal.py), beside the states, do not begin as it knew them. Tensors are safetensors, numbers, journals and seals JSON: nothing that is read back
can run code.

A state that a clock, a signal or a best validation asked for stands at a step of its own. It is there to go on from, takes no place among the
others, and a training that diverged never goes back to it: what is computed would hang on when it came.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from kernels.training.states.journal import Mark, fault_of_mark
from kernels.training.states.seals import fault_of, seal_folder

KEPT = 2
SEAL = "seal.json"
TENSORS = "tensors.safetensors"
NUMBERS = "numbers.json"
_STATE = re.compile(r"(?:step|checkpoint)-(\d+)")


class TrainingState(NamedTuple):
    """All that a loop needs to go on as if it had never stopped."""

    step: int
    """Steps done."""
    tensors: dict[str, Any]
    """Model and optimizer, by name, and random state where the loop draws on any."""
    marks: Mapping[str, Mark] = MappingProxyType({})
    """How much of each journal beside the state is its own, by the journal's file."""
    numbers: Mapping[str, Any] = MappingProxyType({})
    """What else the loop remembers, as JSON holds it."""
    training: str = ""
    """Names config, first weights and data: a state of one training is none of another."""
    best_step: int | None = None
    """Whose state is kept as long as this one is."""


def save_state(folder: Path, state: TrainingState, *, kept: int = KEPT, every: int = 1) -> None:
    """Write a state and seal it; keep it, the newest ``kept`` intact ones at multiples of ``every`` steps, and the best step's of each."""
    from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

    target = _folder_of(folder, state.step)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in state.tensors.items()}, target / TENSORS)
    numbers = {"step": state.step, "marks": dict(state.marks), "numbers": dict(state.numbers), "training": state.training}
    (target / NUMBERS).write_text(json.dumps({**numbers, "best_step": state.best_step}))
    seal(target, kept=kept, every=every)


def load_state(folder: Path, say: Callable[[str], None], training: str = "", *, every: int = 1) -> TrainingState | None:
    """Return the newest intact state that `save_state` wrote of a training, None where there is none; see `newest_intact`."""
    found = newest_intact(folder, say, lambda state: _fault_of_other(state, training), every)
    return None if found is None else _read(found)


def load_state_of(folder: Path, step: int, training: str = "") -> TrainingState:
    """Return the state behind a step of a training. Raises ValueError: there is none that is intact (says why)."""
    state = _folder_of(folder, step)
    if fault := fault_of(state, state / SEAL) or _fault_of_other(state, training):
        raise ValueError(f"state {state.name}, that of the best validation: {fault}; empty {folder} to train anew")
    return _read(state)


def _folder_of(folder: Path, step: int) -> Path:
    return folder / f"step-{step:06d}"


def _fault_of_other(state: Path, training: str) -> str | None:
    """Return why an intact state is none of a training, None where it is."""
    told = json.loads((state / NUMBERS).read_text())
    if told.get("training", "") != training:
        return "it is of another config, of another parent or of other data"
    return next((fault for name, mark in _marks(told).items() if (fault := fault_of_mark(state.parent / name, mark))), None)


def _read(state: Path) -> TrainingState:
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    told: dict[str, Any] = json.loads((state / NUMBERS).read_text())
    return TrainingState(told["step"], load_file(state / TENSORS), _marks(told), told["numbers"], told["training"], told["best_step"])


def _marks(numbers: Mapping[str, Any]) -> dict[str, Mark]:
    return {name: Mark(*mark) for name, mark in numbers["marks"].items()}


def seal(state: Path, *, kept: int = KEPT, every: int = 1) -> None:
    """Declare a state whole once its files have reached the disk, and remove all but those that `save_state` keeps."""
    seal_folder(state, state / SEAL)
    _remove_old(state, kept, every)


def remove_behind(folder: Path, step: int) -> None:
    """Remove the states behind a step, which training has gone back to."""
    for number, state in _numbered(folder):
        if number > step:
            shutil.rmtree(state)


def newest_intact(folder: Path, say: Callable[[str], None], other: Callable[[Path], str | None] = lambda state: None, every: int = 1) -> Path | None:
    """Return the newest state of a folder that agrees with its seal, None where there is none. ``other`` says why an intact one will not do.

    Only states at multiples of ``every`` steps are looked at. ``say`` is told of each newer one that does not, what is wrong with it, and where
    training goes on.
    """
    passed: list[str] = []
    chosen: Path | None = None
    for number, state in _numbered(folder):
        if number % every:
            continue
        fault = fault_of(state, state / SEAL) or other(state)
        if fault is None:
            chosen = state
            break
        passed.append(f"state {state.name}: {fault}")
    going_on = f"going on from {chosen.name}" if chosen else "no state is intact, training starts anew"
    for words in passed:
        say(f"{words}; {going_on}")
    return chosen


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    """Return the states of a folder with their steps, the newest first."""
    numbered = [(int(match[1]), path) for path in folder.glob("*-*") if path.is_dir() and (match := _STATE.fullmatch(path.name))]
    return sorted(numbered, reverse=True)


def _remove_old(newest: Path, most: int, every: int) -> None:
    """Remove all states but those that are kept; a damaged one takes no place, nor does one that stands at a step of its own."""
    states = _numbered(newest.parent)
    kept = [newest]
    num_kept = sum(state == newest and step % every == 0 for step, state in states)
    for step, state in states:
        if state != newest and step % every == 0 and num_kept < most and fault_of(state, state / SEAL) is None:
            num_kept += 1
            kept.append(state)
    best_steps = {_best_step(state) for state in kept}
    for step, state in states:
        if state not in kept and step not in best_steps:
            shutil.rmtree(state)


def _best_step(state: Path) -> int | None:
    """Return the best step that a state knows of; None where it knows of none, as one that another loop wrote."""
    return json.loads((state / NUMBERS).read_text())["best_step"] if (state / NUMBERS).exists() else None
