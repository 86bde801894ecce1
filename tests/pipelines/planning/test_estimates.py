"""How long cells are said to take."""

from pathlib import Path
from typing import Any

import pytest

from assets.graph.artifact import Artifact
from assets.graph.state import GraphState
from pipelines.planning.estimates import estimate
from resources.storage import ledger
from resources.storage.home import Home
from resources.storage.ledger import Attempt, Outcome
from resources.storage.manifest import Cell, Manifest
from tests.small_graphs import artifact, graph_of, observed, put_cell


def no_build(build: Any) -> None:
    raise AssertionError("nothing is made here")


MODEL, DATA, NEW = artifact("models/base", no_build, uses_gpu=True), artifact("corpus/report", no_build), artifact("models/new", no_build)


def attempted(home: Home, made: Manifest, outcome: Outcome, seconds: float) -> None:
    attempt = Attempt(asset=made.asset, partition=None, fingerprint=made.fingerprint, outcome=outcome, began_at=0.0, seconds=seconds)
    ledger.record(home.lake(), "r", attempt)


def told(home: Home, *artifacts: Artifact) -> tuple[float, list[str]]:
    state = GraphState(graph_of(MODEL, DATA, NEW), home.lake(), observed())
    return estimate(state, [Cell("r", found.name) for found in artifacts])


def test_a_training_that_was_killed_and_went_on_takes_the_time_of_all_its_attempts(tmp_path: Path) -> None:
    home = Home.resolve(tmp_path, {})
    first = put_cell(home.lake(), Cell("r", "models/base"))
    attempted(home, first, "killed", 600.0)
    attempted(home, first, "failed", 30.0)
    assert told(home, MODEL)[0] == pytest.approx(0, abs=5), "what came to grief since is no part of what stands"
    put_cell(home.lake(), Cell("r", "models/base"))
    assert told(home, MODEL)[0] == pytest.approx(630, abs=5)
    put_cell(home.lake(), Cell("r", "models/base"))
    assert told(home, MODEL)[0] == pytest.approx(0, abs=5), "made anew without a stop"


def test_a_cell_of_data_begins_anew_and_one_that_was_never_made_is_unknown(tmp_path: Path) -> None:
    home = Home.resolve(tmp_path, {})
    attempted(home, put_cell(home.lake(), Cell("r", "corpus/report")), "killed", 600.0)
    put_cell(home.lake(), Cell("r", "corpus/report"))
    seconds, unknown = told(home, DATA, NEW)
    assert seconds == pytest.approx(0, abs=5)
    assert unknown == ["models/new"]
