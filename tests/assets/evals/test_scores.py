"""Evals of one model are made together, and each ends alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa
import pytest

from assets.evals.needs import EvalPlan
from assets.evals.scores import EvalRequest, scores
from assets.graph.build import CellBuild
from assets.graph.making import make, make_together
from assets.graph.state import GraphState
from kernels.evals.statistics.measures import values_table
from kernels.models.formats import checkpoints
from kernels.specs.config import Config
from kernels.specs.needs import DataFile
from kernels.specs.tasks import EvalResult, Progress, Score, Task, unwatched
from resources.devices.inference import Inference
from resources.storage import ledger
from resources.storage.home import Home
from resources.storage.manifest import Cell
from resources.storage.sources import Location, ObservedFile, ObservedSources, Partition
from tests.small_graphs import artifact, graph_of, launch_here, workplace

BY_OUR_ENGINE = Inference()


class Nothing(Config):
    pass


class Loaded(NamedTuple):
    attention: str
    answered_by: str = "own"
    is_invariant: bool = False


def answered(model: Any, data: Path | None, config: Any, progress: Progress) -> EvalResult:
    return EvalResult([Score("accuracy", 0.5, 0.4, 0.6, 0.25, 2)], pl.DataFrame({"item": [0, 1]}), values_table([]))


def broken(model: Any, data: Path | None, config: Any, progress: Progress) -> EvalResult:
    raise TypeError("'NoneType' object is not iterable")


def plan(name: str, run: Callable[..., EvalResult] = answered, file: Path | None = None) -> EvalPlan:
    task = Task(name=name, version=1, config=Nothing, need=DataFile() if file else None, run=run)
    return EvalPlan(name, task, Nothing(), None, Location(str(file), (), "latest", 1) if file else None)


def outcome(
    tmp_path: Path,
    *plans: EvalPlan,
    sources: ObservedSources,
    say: Callable[[str], Any] = pytest.fail,
    inference: Inference = BY_OUR_ENGINE,
    **changes: Any,
) -> tuple[list[str | None], dict[str | None, Any], Home]:
    home = Home.resolve(tmp_path, {})
    base = artifact("models/base", lambda build: build.write("weights", pa.table({"weight": [1.0]})))
    evals = replace(scores("r", "base", {found.name: found for found in plans}), **changes)
    graph = graph_of(base, evals)
    make(base, None, GraphState(graph, home.lake(), sources), workplace(home))
    state = GraphState(graph, home.lake(), sources)
    place = workplace(home, launch_here(say))._replace(inference=inference)
    made, failures = make_together(evals, [found.name for found in plans], state, place)
    return list(made), failures, home


def test_an_eval_that_breaks_or_whose_data_has_changed_stops_no_other_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("changed since")
    plans = [plan("first"), plan("broken", broken), plan("filed", file=file), plan("last")]
    monkeypatch.setattr("assets.evals.scores.specs", lambda family: {found.name: found.task for found in plans})
    monkeypatch.setattr(checkpoints, "load", lambda folder, device: Loaded("causal"))
    seen = Partition(key="filed", source="filed", files=[ObservedFile(path="items.jsonl", size_bytes=1, modified="", digest="as it was")])
    words: list[str] = []
    made, failures, home = outcome(tmp_path, *plans, sources=ObservedSources(inputs={"filed": seen}), say=words.append)
    assert made == ["first", "last"]
    assert failures == {
        "broken": "TypeError: 'NoneType' object is not iterable",
        "filed": f"ValueError: {file}: items.jsonl has changed since it was looked at; run mill up again",
    }
    assert words == ["broken: TypeError: 'NoneType' object is not iterable"]
    told = {attempt.partition: attempt.reason for attempt in ledger.read(home.lake(), "r") if attempt.outcome == "failed"}
    assert told == failures, "the ledger keeps the reasons"


def test_models_are_asked_as_the_resource_says_and_scores_are_the_same_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = [BY_OUR_ENGINE, Inference(backend="transformers", is_invariant=True)]
    found_ways: list[Inference] = []

    def asked(model: Any, data: Path | None, config: Any, progress: Progress) -> EvalResult:
        found_ways.append(Inference(backend=model.answered_by, is_invariant=model.is_invariant))
        return answered(model, data, config, progress)

    found = plan("asked", asked)
    monkeypatch.setattr("assets.evals.scores.specs", lambda family: {"asked": found.task})
    monkeypatch.setattr(checkpoints, "load", lambda folder, device: Loaded("causal"))
    homes = [outcome(tmp_path / way.backend, found, sources=ObservedSources(), inference=way)[2] for way in ways]
    assert found_ways == ways
    first, second = (home.lake().require(Cell("r", "evals/base", "asked")) for home in homes)
    assert first.fingerprint == second.fingerprint


def test_what_was_published_before_an_error_stands(tmp_path: Path) -> None:
    def publish_one_and_fail(builds: Sequence[CellBuild]) -> dict[str | None, str]:
        builds[0].publish()
        raise TypeError("the second")

    made, failures, _ = outcome(tmp_path, plan("one"), plan("two"), sources=ObservedSources(), build_together=publish_one_and_fail)
    assert made == ["one"]
    assert list(failures) == ["two"] and str(failures["two"]) == "the second"


def test_an_eval_that_makes_no_sense_of_the_model_that_was_loaded_fails_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plan("read_on")
    monkeypatch.setattr("assets.evals.scores.specs", lambda family: {"read_on": found.task})
    monkeypatch.setattr(checkpoints, "load", lambda folder, device: Loaded("bidirectional"))
    made, failures, _ = outcome(tmp_path, found, sources=ObservedSources(), say=lambda words: None)
    told = "the task 'read_on' is for causal or encoder_decoder or prefix models, and this one is bidirectional; leave the eval or the model out"
    assert made == [] and failures == {"read_on": f"ValueError: {told}"}


def test_an_eval_that_another_run_has_ended_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(model: Any, data: Path | None, config: Any, progress: Progress) -> EvalResult:
        asked.append("asked")
        return answered(model, data, config, progress)

    monkeypatch.setattr("assets.evals.scores.specs", lambda family: {"counted": plan("counted", counted).task})
    request = EvalRequest(name="counted", task="counted", config={}, data=None, out=tmp_path / "result")
    for _ in range(2):
        request.run(SimpleNamespace(attention="causal"), unwatched)
    assert asked == ["asked"]


def test_items_that_were_cut_or_not_asked_are_counted_beside_the_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(model: Any, data: Path | None, config: Any, progress: Progress) -> EvalResult:
        items = pl.DataFrame({"item": ["a", "b", "c", "d"], "num_tokens_cut": [0, 7, 2, None], "rejected": [None, None, None, "options"]})
        return EvalResult([Score("accuracy", 0.5, 0.4, 0.6, 0.25, 3)], items, values_table([]))

    found = plan("long", asked)
    monkeypatch.setattr("assets.evals.scores.specs", lambda family: {"long": found.task})
    monkeypatch.setattr(checkpoints, "load", lambda folder, device: Loaded("causal"))
    _, failures, home = outcome(tmp_path, found, sources=ObservedSources())
    metadata = home.lake().require(Cell("r", "evals/base", "long")).metadata
    assert not failures and (metadata["num_items_cut"], metadata["num_items_rejected"]) == (2, 1)
    assert "num_items_with_unknown_text" not in metadata
