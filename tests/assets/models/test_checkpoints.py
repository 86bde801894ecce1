"""A finished training is never lost: its result is sealed, and stays until the model stands."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from assets.graph import build as build_module
from assets.graph.making import make
from assets.graph.state import GraphState
from assets.models.checkpoints import ModelPlan, model
from assets.models.jobs import fresh_folder, link_result, seal, sealed_summary
from assets.models.needs import NeedsOfRecipe
from kernels.specs import families
from kernels.specs.config import Config
from kernels.specs.methods import Method, MethodJob
from resources.devices import provenance
from resources.devices.jobs import World, read_job
from resources.storage.home import Home
from tests.small_graphs import WordsReporter, graph_of, launch_here, observed, workplace


class Nothing(Config):
    pass


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A method that counts how often it runs."""
    runs: list[str] = []

    def run(job: MethodJob) -> dict[str, float]:
        runs.append(str(job.out))
        (job.out / "model.safetensors.txt").write_text("weights")
        return {"final_loss": 1.5}

    method = Method(name="counted", version=1, config=Nothing, needs=(), run=run)
    monkeypatch.setattr(families, "specs", lambda family: {"counted": method})
    monkeypatch.setattr("assets.models.checkpoints.specs", lambda family: {"counted": method})
    return runs


def plan() -> ModelPlan:
    from assets.models.checkpoints import specs

    said = NeedsOfRecipe("base", (), None, None, None)
    return ModelPlan(specs("methods")["counted"], Nothing(), said, World(device="cpu"), {})


def test_a_training_whose_publication_fails_is_published_the_next_time_and_not_repeated(
    tmp_path: Path, trainings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home.resolve(tmp_path, {})
    graph = graph_of(model("r", "base", plan()))
    publish = build_module.publish

    def full(*arguments: Any) -> None:
        raise OSError("no space left on device")

    def attempt() -> None:
        state = GraphState(graph, home.lake(), observed())
        make(graph.artifacts["models/base"], None, state, workplace(home, launch_here()))

    monkeypatch.setattr(build_module, "publish", full)
    with pytest.raises(OSError, match="no space"):
        attempt()
    monkeypatch.setattr(build_module, "publish", publish)
    attempt()
    assert len(trainings) == 1
    manifest = home.lake().require(graph.artifacts["models/base"].cell(None))
    assert manifest.metadata["final_loss"] == 1.5 and manifest.metadata["world"] == {"device": "cpu"}
    assert not list((home.root / "scratch").rglob("*.txt")), "scratch goes when the model stands"


def test_two_runs_of_one_training_make_it_once_and_none_takes_it_away_from_the_other(tmp_path: Path, trainings: list[str]) -> None:
    home = Home.resolve(tmp_path, {})
    graph = graph_of(model("r", "base", plan()))

    def launch(module: str, job: Path, environments: Any, on_report: Any, nodes: Any = ()) -> None:
        launch_here()(module, job, environments, on_report)
        read = read_job(job)  # the other run's child, which has waited for the folder's lock
        assert read.request.fulfil(read, WordsReporter(pytest.fail)) == {"final_loss": 1.5}

    make(graph.artifacts["models/base"], None, GraphState(graph, home.lake(), observed()), workplace(home, launch))
    assert len(trainings) == 1


def test_a_result_that_another_run_takes_away_while_it_is_linked_is_an_error_and_no_model_of_fewer_files(tmp_path: Path) -> None:
    folder, draft = fresh_folder(tmp_path / "result"), tmp_path / "draft"
    draft.mkdir()
    (folder / "onnx").mkdir()
    for name in ("weights", "onnx/graph"):
        (folder / name).write_text(name)
    seal(folder, {})
    link_result(folder, draft)
    assert {path.relative_to(draft).as_posix() for path in draft.rglob("*") if path.is_file()} == {"weights", "onnx/graph"}
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError):
        link_result(folder, tmp_path / "other")


def test_what_is_told_of_a_training_on_the_cpu_is_the_cpu_whatever_the_machine_has(
    tmp_path: Path, trainings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "count_gpus", lambda: 1)
    provenance.device.cache_clear()
    home = Home.resolve(tmp_path, {})
    graph = graph_of(model("r", "base", plan()))
    try:
        made = make(graph.artifacts["models/base"], None, GraphState(graph, home.lake(), observed()), workplace(home, launch_here()))
    finally:
        provenance.device.cache_clear()
    assert made.provenance is not None and made.provenance.device.startswith("cpu")


def test_a_result_that_was_not_sealed_or_was_changed_since_is_none(tmp_path: Path) -> None:
    folder = fresh_folder(tmp_path / "result")
    (folder / "weights").write_text("half")
    assert sealed_summary(folder) is None
    seal(folder, {"loss": 1.0})
    assert sealed_summary(folder) == {"loss": 1.0}
    (folder / "weights").write_text("HALF")
    assert sealed_summary(folder) is None
