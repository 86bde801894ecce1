"""Offline runs of Weights & Biases: written only where the library is, and never sent."""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from kernels.training.logs.event_files import Scalars
from kernels.training.logs.offline_runs import WANDB, OfflineRun, sync_command, write_offline_run

TOLD = [Scalars(1, 0.0, {"train/loss": 5.0}), Scalars(2, 1.7e9, {"train/loss": 4.0, "validation/loss": 4.5})]
RUN = OfflineRun("demo", "small", "base", "0123abcd", {"seed": 1})


class Library(ModuleType):
    """Stands for the library, and keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.arguments: dict[str, Any] = {}
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.is_torn_down = False

    def Settings(self, **settings: Any) -> SimpleNamespace:  # as the library calls it
        return SimpleNamespace(**settings, sync_dir=f"{settings['root_dir']}/wandb/offline-run-1")

    def init(self, **arguments: Any) -> "Library":
        self.arguments = arguments
        self.settings = arguments["settings"]
        return self

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def log(self, values: dict[str, float], step: int) -> None:
        self.logged.append((step, values))

    def teardown(self) -> None:
        self.is_torn_down = True


def test_a_run_is_offline_in_its_own_folder_with_a_line_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setitem(sys.modules, "wandb", library)
    written = write_offline_run(TOLD, RUN, tmp_path / "run")
    assert library.settings.mode == "offline" and library.settings.root_dir == str(tmp_path / "run")
    named = {name: library.arguments[name] for name in ("project", "group", "name", "id", "config")}
    assert named == {"project": "demo", "group": "small", "name": "base", "id": "0123abcd", "config": {"seed": 1}}
    assert library.logged == [(1, {"train/loss": 5.0}), (2, {"train/loss": 4.0, "validation/loss": 4.5, "_timestamp": 1.7e9})]
    assert written == tmp_path / "run" / "wandb" / "offline-run-1" and library.is_torn_down


def test_the_command_that_sends_a_run_can_be_pasted_whatever_the_folder_is_called() -> None:
    assert sync_command(Path("/home/a/offline-run-1")) == "wandb sync /home/a/offline-run-1"
    assert sync_command(Path("/home/a b/run")) == "wandb sync '/home/a b/run'"


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'modelmill\[wandb\]'"):
        write_offline_run(TOLD, RUN, tmp_path)


def test_a_folder_of_the_librarys_name_is_not_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wandb").mkdir()  # as the library itself leaves one wherever it is used
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    assert not WANDB.is_installed()
    assert WANDB.lacks("runs") == "runs need the extra 'wandb', which is not installed: pip install 'modelmill[wandb]'"
    (tmp_path / "wandb" / "__init__.py").touch()
    sys.path_importer_cache.clear()
    assert WANDB.is_installed() and WANDB.lacks("runs") is None


def test_the_library_itself_writes_every_step(tmp_path: Path) -> None:
    if not WANDB.is_installed():
        pytest.skip("no library wandb")
    from wandb.proto import wandb_internal_pb2  # pyright: ignore

    written = write_offline_run(TOLD, RUN, tmp_path)
    (file,) = written.glob("run-*.wandb")
    found: list[dict[str, str]] = []
    for data in whole_records(file.read_bytes()):
        record: Any = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            found.append({item.key or "/".join(item.nested_key): item.value_json for item in record.history.item})
    assert [(row["_step"], row["train/loss"]) for row in found] == [("1", "5"), ("2", "4")]
    assert float(found[1]["_timestamp"]) == 1.7e9 and found[1]["validation/loss"] == "4.5"


def whole_records(data: bytes) -> Iterator[bytes]:
    """Yield the records of a file that is shorter than a block of LevelDB's log format, behind a header of 7 bytes."""
    assert len(data) < 1 << 15
    place = 7
    while place < len(data):
        _, length, kind = struct.unpack_from("<IHB", data, place)
        assert kind == 1, "a record in one piece"
        yield data[place + 7 : place + 7 + length]
        place += 7 + length
