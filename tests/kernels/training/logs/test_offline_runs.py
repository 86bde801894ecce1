"""Offline runs of Weights & Biases: written only where the library is, and never sent."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kernels.training.logs.offline_runs import write_offline_run

RECORDS = [{"step": 1.0, "loss": 5.0, "validation_loss": None}, {"step": 2.0, "loss": 4.0, "validation_loss": 4.5}]


class Library(ModuleType):
    """Stands for the library, and keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.settings: dict[str, Any] = {}
        self.logged: list[tuple[int, dict[str, float]]] = []

    def Settings(self, **settings: Any) -> dict[str, Any]:  # as the library calls it
        return settings

    def init(self, **arguments: Any) -> "Library":
        self.settings = arguments["settings"]
        return self

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def log(self, values: dict[str, float], step: int) -> None:
        self.logged.append((step, values))


def test_a_run_is_offline_in_its_own_folder_with_a_line_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setitem(sys.modules, "wandb", library)
    write_offline_run(RECORDS, tmp_path / "run", "demo", "base")
    assert library.settings["mode"] == "offline"
    assert library.settings["root_dir"] == str(tmp_path / "run")
    assert library.logged == [(1, {"train/loss": 5.0}), (2, {"train/loss": 4.0, "validation/loss": 4.5})]


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'modelmill\[wandb\]'"):
        write_offline_run(RECORDS, tmp_path, "demo", "base")
