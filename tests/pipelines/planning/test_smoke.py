"""The whole graph of the smoke recipe from scratch, twice: everything passes, and both runs say the same to the bit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resources.storage.home import Home
from tests.locations import PROJECT

pytestmark = pytest.mark.slow


def mill(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pipelines.commands", *arguments, "--recipe", "smoke"]
    environment = {**os.environ, "MILL_HOME": str(home), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(home: Path) -> dict[str, str]:
    lake = Home.resolve(home, {}).lake()
    return {str(cell): lake.require(cell).content for cell in lake.cells("smoke")}


def test_two_runs_from_scratch_agree_and_a_third_has_nothing_to_do(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert "80 cells made" in mill(tmp_path / name, "up")
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert len(one) == 80
    assert one == two  # documents, tokens, weights, losses, scores, leaderboard
    assert "nothing to do" in mill(tmp_path / "one", "up")

    lake = Home.resolve(tmp_path / "one", {}).lake()
    verdicts = {f"{cell} {name}": verdict for cell in lake.cells("smoke") for name, verdict in lake.verdicts(cell).items()}
    assert {name for name, verdict in verdicts.items() if not verdict.passed} == set()
    assert len({name.split("[")[0].split(" ")[0] for name in verdicts}) == 10  # six data assets and four models are judged
    assert "released_model" in mill(tmp_path / "one", "show", "release")
    assert "chance" in mill(tmp_path / "one", "show", "evals/leaderboard")
    assert "clean" in mill(tmp_path / "one", "sql", "select kind, recall, precision from corpus_report_labelled where source = 'web'")
    assert "problem" not in mill(tmp_path / "one", "doctor")
