"""The whole graph of the smoke recipe from scratch, twice: everything passes, and both runs say the same to the bit, in whatever order the
recipe's entries stand."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from resources.storage.home import Home
from tests.locations import PROJECT

pytestmark = pytest.mark.slow


def mill(home: Path, *arguments: str, recipe: str = "smoke") -> str:
    command = [sys.executable, "-m", "pipelines.commands", *arguments, "--recipe", recipe]
    environment = {**os.environ, "MILL_HOME": str(home), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(home: Path) -> dict[str, str]:
    lake = Home.resolve(home, {}).lake()
    return {str(cell): lake.require(cell).content for cell in lake.cells("smoke")}


def turned_round(entries: Any) -> Any:
    """Return entries with the last first at every depth; lists stay as they are."""
    if isinstance(entries, list):
        return [turned_round(entry) for entry in entries]
    return {key: turned_round(entries[key]) for key in reversed(entries)} if isinstance(entries, dict) else entries


def test_two_runs_from_scratch_agree_and_a_third_has_nothing_to_do(tmp_path: Path) -> None:
    other = tmp_path / "turned_round.yaml"
    entries = yaml.safe_load((PROJECT / "pipelines/recipes/smoke.yaml").read_text())
    other.write_text(yaml.safe_dump(turned_round(entries), sort_keys=False))
    assert "80 cells made" in mill(tmp_path / "one", "up")
    assert "80 cells made" in mill(tmp_path / "two", "up", recipe=str(other))
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert len(one) == 80
    assert one == two  # documents, tokens, weights, losses, scores, leaderboard
    assert "nothing to do" in mill(tmp_path / "one", "up", recipe=str(other))

    lake = Home.resolve(tmp_path / "one", {}).lake()
    verdicts = {f"{cell} {name}": verdict for cell in lake.cells("smoke") for name, verdict in lake.verdicts(cell).items()}
    assert {name for name, verdict in verdicts.items() if not verdict.passed} == set()
    assert len({name.split("[")[0].split(" ")[0] for name in verdicts}) == 11  # six data assets, the tokenizer and four models are judged
    assert "released_model" in mill(tmp_path / "one", "show", "release")
    assert "chance" in mill(tmp_path / "one", "show", "evals/leaderboard")
    assert "clean" in mill(tmp_path / "one", "sql", "select kind, recall, precision from corpus_report_labelled where source = 'web'")
    assert "problem" not in mill(tmp_path / "one", "doctor")
