"""The release gate as an artifact: what stands released when candidates, and the test itself, come and go."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets.evals import release as release_module
from assets.evals.needs import EvalPlan
from assets.evals.release import RELEASE_FILE, ReleasePlan, release
from assets.evals.scores import EvalRequest
from assets.graph.artifact import by_name
from assets.graph.making import make
from assets.graph.state import GraphState
from kernels.evals.gates import GateConfig
from kernels.evals.tasks.documents import perplexity
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, Parent
from resources.storage.tables import write_table
from resources.storage.versions import history, old_versions, pin, remove_version
from tests.small_graphs import artifact, graph_of, observed, put_cell, workplace

CONFIG = perplexity.PerplexityConfig(num_items=5, seed=1, max_bytes=100)
PLAN = ReleasePlan(
    candidate="dpo",
    gate=GateConfig(metric="heldout/bits_per_byte", tolerance=0.02),
    eval_plan=EvalPlan("heldout", perplexity.SPEC, CONFIG, "pretrain", None),
)
MODEL, RELEASE = Cell("r", "models/dpo"), Cell("r", "release")


def no_build(build: Any) -> None:
    raise AssertionError("only the release is made here")


GRAPH = graph_of(
    artifact("tokens/mixture_pretrain", no_build),
    artifact("models/dpo", no_build),
    artifact("evals/dpo", no_build, partitioning=by_name("evals", ["heldout"])),
    release("r", PLAN),
)


def scores(value: float) -> pa.Table:
    row = {"metric": "bits_per_byte", "value": value, "low": value, "high": value, "chance": 8.0, "num_items": 5, "higher_is_better": False}
    return pa.Table.from_pylist([row])


def offer(home: Home, value: float, test: str = "held out") -> dict[str, Any]:
    """Publish a candidate of some score on a test, run the gate, and return what stands released."""
    lake = home.lake()
    model = put_cell(lake, MODEL, weights=pa.table({"w": [value]}))
    put_cell(lake, Cell("r", "tokens/mixture_pretrain"), heldout=pa.table({"id": ["1"], "source": ["s"], "text": [test]}))
    asked = [Parent(name="models/dpo", content=model.content), f"test {test}"]
    put_cell(lake, Cell("r", "evals/dpo", "heldout"), parents=asked, scores=scores(value))
    make(GRAPH.artifacts["release"], None, GraphState(GRAPH, lake, observed()), workplace(home))
    stands = json.loads((lake.folder(RELEASE) / RELEASE_FILE).read_text())
    (kept,) = lake.require(RELEASE).keeps
    (held,) = [version for version in history(lake, MODEL) if version.version == kept.version]
    assert stands["content"] == held.content, "what the file names is what the release holds"
    assert released_weights(lake, clean=False) == stands["score"]["value"], "the bytes are those of the candidate that had this score"
    return stands


def released_weights(lake: Lake, *, clean: bool = True) -> float:
    """Return the weights that the release holds, after all that nothing holds was removed where ``clean``."""
    for old in old_versions(lake, "r", 1) if clean else ():
        remove_version(lake, old.cell, old.version)
    (kept,) = lake.require(RELEASE).keeps
    folder = lake.folder(Cell("r", kept.asset), kept.version)
    return pa.parquet.read_table(folder / "weights.parquet")["w"][0].as_py()


def test_a_candidate_takes_the_place_of_the_released_model_only_if_it_is_not_worse(tmp_path: Path) -> None:
    home = Home.resolve(tmp_path, {})
    first = offer(home, 2.0)
    assert first["score"]["value"] == 2.0
    assert offer(home, 2.5) == first  # worse: the old one stays
    assert released_weights(home.lake()) == 2.0
    assert offer(home, 2.01)["score"]["value"] == 2.01  # within the tolerance
    assert offer(home, 1.5)["score"]["value"] == 1.5
    assert released_weights(home.lake()) == 1.5


def test_however_many_candidates_are_refused_the_released_bytes_stay(tmp_path: Path) -> None:
    home = Home.resolve(tmp_path, {})
    offer(home, 2.0)
    for value in (3.0, 4.0, 5.0):
        offer(home, value)
        assert released_weights(home.lake()) == 2.0
    assert len(history(home.lake(), MODEL)) == 2


def test_where_the_test_has_changed_the_released_model_is_scored_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home.resolve(tmp_path, {})
    offer(home, 2.0)
    asked: list[Path] = []

    def run_evals(place: Any, scratch: Path, model: Path, evals: list[EvalRequest]) -> dict[str, str]:
        asked.append(model)
        evals[0].out.mkdir(parents=True)
        write_table(evals[0].out / "scores.parquet", scores(4.0))
        return {}

    monkeypatch.setattr(release_module, "run_evals", run_evals)
    now = offer(home, 3.0, test="harder")
    assert [path.name for path in asked] == [history(home.lake(), MODEL)[1].version]
    assert (now["score"]["value"], now["content"]) == (3.0, home.lake().require(MODEL).content), "3.0 is worse than 2.0 was, and better than 4.0 is"
    assert home.lake().require(RELEASE).metadata["released_model_scored_anew"] is True


def test_a_first_candidate_without_a_score_is_not_released(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to release"):
        offer(Home.resolve(tmp_path, {}), float("nan"))


def test_scores_of_another_version_of_the_candidate_decide_over_nothing(tmp_path: Path) -> None:
    home = Home.resolve(tmp_path, {})
    offer(home, 1.0)
    lake = home.lake()
    pin(lake, Cell("r", "evals/dpo", "heldout"), lake.require(Cell("r", "evals/dpo", "heldout")).version, "looked good")
    put_cell(lake, MODEL, weights=pa.table({"w": [9.0]}))
    with pytest.raises(ValueError, match=r"evals/dpo\[heldout\] is of another version of dpo than stands; let go of its pin with mill unpin"):
        make(GRAPH.artifacts["release"], None, GraphState(GRAPH, lake, observed()), workplace(home))
    assert released_weights(lake) == 1.0
