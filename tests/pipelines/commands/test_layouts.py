"""What ``mill layouts`` tells of worlds that are not there."""

import importlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.terminal.application import app
from tests.small_recipe import SMALL, write

importlib.import_module("pipelines.commands.layouts")
WIDE = SMALL.replace("num_heads: 2", "num_heads: 8").replace("num_kv_heads: 1", "num_kv_heads: 8").replace("num_layers: 1", "num_layers: 8")


def told(folder: Path, *arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["layouts", *arguments, "--recipe", str(write(folder, WIDE))])
    return found.exit_code, " ".join(found.output.split())


def test_every_strategy_is_told_at_every_number_of_devices_with_what_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILL_HOME", str(tmp_path / "home"))
    files = ["--json", str(tmp_path / "told.json"), "--plot", str(tmp_path / "told.png")]
    code, words = told(tmp_path, "base", "--devices", "8,64", *files)
    assert code == 0, words
    found = json.loads((tmp_path / "told.json").read_text())
    by_eight = {each["strategy"]: each for each in found if each["layout"].get("processes") == 8}
    assert list(by_eight) == ["data", "zero 1", "zero 3", "zero 3, offload", "tensor 8", "context 8 x zero 3", "pipeline 8"]
    assert {"tensor 8 x zero 3", "pipeline 8 x zero 1", "tensor 8 x pipeline 8"} < {each["strategy"] for each in found}
    data, pieces = by_eight["data"], by_eight["zero 3"]
    assert data["held_bytes"]["weights"] == pytest.approx(8 * pieces["held_bytes"]["weights"], rel=0.01)
    assert data["rows"] == 8, "4 are too few for 8 processes that read"
    assert data["seconds"]["total"] > 0 and by_eight["zero 3, offload"]["seconds"] is None
    assert data["shapes"]["blocks.0.down.weight"] == [32, 64] and pieces["shapes"]["blocks.0.down.weight"] == [4, 64]
    assert by_eight["tensor 8"]["shapes"]["blocks.0.down.weight"] == [32, 8]
    assert (tmp_path / "told.png").read_bytes().startswith(b"\x89PNG")
    assert "both assumed" in words and "NVLink" in words


def test_rows_that_processes_cannot_share_are_refused_where_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILL_HOME", str(tmp_path / "home"))
    _, words = told(tmp_path, "base", "--devices", "8", "--rows", "4")
    assert "data: batch_size: 4 rows of a step cannot be shared alike by 8 processes that read; take a multiple of 8" in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bass"], "the recipe trains no model 'bass'; it trains base"),
        (["base", "--devices", "8,few"], "--devices '8,few' are no numbers of devices; give some, such as 8,64,512"),
        (["base", "--on", "h10"], "no hardware is named 'h10'"),
    ],
)
def test_what_is_asked_for_wrongly_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str) -> None:
    monkeypatch.setenv("MILL_HOME", str(tmp_path / "home"))
    found = CliRunner().invoke(app, ["layouts", *arguments, "--recipe", str(write(tmp_path, WIDE))])
    assert found.exit_code != 0 and words in " ".join(f"{found.output} {found.exception}".replace("│", " ").split())
