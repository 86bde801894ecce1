"""The commands about processes and the devices that they hold."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kernels.training.parallel.collectives import OPERATIONS
from pipelines.terminal.application import app
from resources.devices import leases
from resources.devices.leases import lease_devices
from resources.devices.nodes import NODE
from resources.storage.home import Home

for command in ("collectives", "gpus"):
    importlib.import_module(f"pipelines.commands.{command}")


def mill(home: Path, *words: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    from pipelines.terminal import application

    monkeypatch.setenv("MILL_HOME", str(home))
    monkeypatch.setattr(application.console, "width", 100)
    return CliRunner().invoke(app, [*words, "--recipe", "smoke"])


def test_collectives_are_checked_between_processes_and_told_as_a_table_as_json_and_as_a_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.commands.collectives.SIZES", (1 << 10, 1 << 16))
    asked = ("collectives", "--device", "cpu", "--json", str(tmp_path / "found.json"), "--plot", str(tmp_path / "found.png"))
    told = mill(tmp_path, *asked, monkeypatch=monkeypatch)
    assert told.exit_code == 0 and "2 processes on cpu: all operations gave what they should, and no process is slow" in told.output
    found: dict[str, Any] = json.loads((tmp_path / "found.json").read_text())
    assert {(each["operation"], each["size_bytes"]) for each in found["measured"]} == {
        (name, size) for name in OPERATIONS for size in (1 << 10, 1 << 16)
    }
    assert (tmp_path / "found.png").read_bytes().startswith(b"\x89PNG")


def test_one_process_has_nobody_to_talk_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = mill(tmp_path, "collectives", "--processes", "1", monkeypatch=monkeypatch)
    assert told.exit_code == 2 and "at least 2" in " ".join(told.output.split())


def test_who_holds_which_gpu_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no GPU: trainings run on the CPU" in mill(tmp_path, "gpus", monkeypatch=monkeypatch).output
    monkeypatch.setattr(leases, "NVIDIA_DEVICES", tmp_path / "gpus")
    for bus in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "gpus" / bus).mkdir(parents=True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    home = Home.resolve(tmp_path, {})
    monkeypatch.setenv(NODE, "here")
    with lease_devices(home.leases / "here", ["0", "1"], 1, "demo/models/base"), lease_devices(home.leases / "there", ["0"], 1, "demo/models/other"):
        told = mill(tmp_path, "gpus", monkeypatch=monkeypatch).output
    rows = [[cell.strip() for cell in line.split("│")[1:4]] for line in told.splitlines() if "│" in line]
    assert rows == [["here", "0", "demo/models/base"], ["here", "1", "free"], ["there", "0", "demo/models/other"]]
