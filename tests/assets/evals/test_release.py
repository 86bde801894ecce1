"""The release gate as an artifact: what stands released when candidates come and go."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets.evals.reports import RELEASE_FILE, release
from assets.graph.artifact import make
from kernels.evals.gates import GateConfig
from resources.storage.home import Home
from resources.storage.lake import Cell, Lake
from resources.storage.sources import Registry
from resources.storage.tables import write_table

GATE = release("r", "dpo", GateConfig(metric="heldout/bits_per_byte", tolerance=0.02))


def put(lake: Lake, asset: str, **tables: pa.Table) -> None:
    with lake.draft(Cell("r", asset)) as draft:
        for name, table in tables.items():
            write_table(draft.folder / f"{name}.parquet", table)
        lake.publish(draft, code_version="1", config={}, parents=[], seconds=0.0)


def refuse(*arguments: object) -> None:
    raise AssertionError("a release launches no job")


def offer(home: Home, value: float) -> dict[str, Any]:
    """Publish a candidate of some score, run the gate, and return what stands released."""
    lake = home.lake()
    put(lake, "models/dpo", weights=pa.table({"w": [value]}))
    row = {"eval": "heldout", "metric": "bits_per_byte", "value": value, "low": value, "high": value, "chance": 8.0, "num_items": 5}
    put(lake, "evals/dpo", scores=pa.Table.from_pylist([{**row, "higher_is_better": False}]))
    make(GATE, None, lake, home, Registry(), refuse, lambda report: None)
    return json.loads((lake.folder(Cell("r", "release")) / RELEASE_FILE).read_text())


def test_a_candidate_takes_the_place_of_the_released_model_only_if_it_is_not_worse(tmp_path: Path) -> None:
    home = Home.resolve(tmp_path, {})
    first = offer(home, 2.0)
    assert first["score"]["value"] == 2.0
    assert offer(home, 2.5) == first  # worse: the old one stays
    assert offer(home, 2.01)["score"]["value"] == 2.01  # within the tolerance
    assert offer(home, 1.5)["score"]["value"] == 1.5


def test_a_first_candidate_without_a_score_is_not_released(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to release"):
        offer(Home.resolve(tmp_path, {}), float("nan"))
