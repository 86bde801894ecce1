"""What a training told is shown with its checkpoint: speed beside losses, tensors, and an offline run that nothing is sent of."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets.graph.making import make
from assets.graph.state import GraphState
from assets.models.checkpoints import ModelPlan, model
from assets.models.needs import NeedsOfRecipe
from kernels.specs import families
from kernels.specs.config import Config
from kernels.specs.layout import Layout
from kernels.specs.methods import Method, MethodJob
from kernels.training.logs.event_files import EVENTS, FOLDER
from kernels.training.logs.losses import write_losses
from kernels.training.logs.speed import Speed
from kernels.training.logs.telling import Telling
from kernels.training.logs.tensors import write_statistics
from resources.devices.jobs import World
from resources.storage.home import Home
from resources.storage.manifest import Manifest
from tests.kernels.training.logs.test_offline_runs import Library
from tests.small_graphs import graph_of, launch_here, observed, workplace

STEPS = (1, 2, 3)


class Nothing(Config):
    pass


@pytest.fixture
def damaged() -> list[bool]:
    """Whether the log of the training is damaged, where it holds anything."""
    return []


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch, damaged: list[bool]) -> list[Path]:
    """A method that tells of three steps, and counts how often it runs."""
    runs: list[Path] = []

    def run(job: MethodJob) -> dict[str, float]:
        runs.append(job.out)
        records = [{"step": float(step), "loss": 5.0 - step} for step in STEPS]
        rows = [{"step": step, "tensor": "w", "weight_norm": 1.0, "update_norm": 0.1, "update_ratio": 0.1} for step in STEPS]
        speed = Speed(1e3, 1e9)
        telling = Telling(job.scratch, speed, "cpu", job.report, job.say, len(STEPS))
        telling.go_on(0)
        for record in records:
            speed.count(64)
            telling.step(record, [])
        write_losses(records, job.out)
        write_statistics([{**dict.fromkeys(("gradient_norm", "zero_gradients", "non_finite_gradients")), **row} for row in rows], job.out)
        if damaged:
            path = job.scratch / FOLDER / EVENTS
            path.write_bytes(path.read_bytes()[:40] + b"?" + path.read_bytes()[41:])
        return {"final_loss": 2.0}

    method = Method(name="told", version=1, config=Nothing, needs=(), run=run)
    monkeypatch.setattr(families, "specs", lambda family: {"told": method})
    monkeypatch.setattr("assets.models.checkpoints.specs", lambda family: {"told": method})
    return runs


ALONE = Layout()


def made(folder: Path, project: str | None = None, say: Any = pytest.fail, layout: Layout = ALONE) -> tuple[Home, Manifest]:
    from assets.models.checkpoints import specs

    plan = ModelPlan(specs("methods")["told"], Nothing(), NeedsOfRecipe("base", (), None, None, None), World(device="cpu"), {}, project, layout)
    home = Home.resolve(folder, {})
    graph = graph_of(model("r", "base", plan))
    state = GraphState(graph, home.lake(), observed())
    return home, make(graph.artifacts["models/base"], None, state, workplace(home, launch_here(say)))


def table(home: Home, manifest: Manifest, name: str) -> pl.DataFrame:
    return pl.read_parquet(home.lake().folder(manifest.cell, manifest.version) / f"{name}.parquet")


def test_speed_stands_beside_the_losses_and_is_no_part_of_what_the_model_is_known_by(tmp_path: Path, trainings: list[Path]) -> None:
    home, manifest = made(tmp_path)
    found = table(home, manifest, "speed")
    assert found.columns == ["step", "tokens_per_second", "mfu", "memory_mb"] and found["step"].to_list() == [1.0, 2.0, 3.0]
    assert found["tokens_per_second"].gt(0).all()
    assert {"speed.parquet", "loss_curve.png", "tensor_updates.png"} == set(manifest.unhashed)
    assert manifest.metadata["tensor_updates"] == {"png": "tensor_updates.png"}
    assert table(home, manifest, "losses").columns == ["step", "loss"]
    assert made(tmp_path / "again")[1].content == manifest.content


def test_a_damaged_log_is_told_of_and_stops_no_model(tmp_path: Path, trainings: list[Path], damaged: list[bool]) -> None:
    damaged.append(True)
    _, manifest = made(tmp_path)
    assert "does not agree with its checksum" in manifest.metadata["speed_not_shown"]
    assert set(manifest.unhashed) == {"loss_curve.png", "tensor_updates.png"}


def test_without_the_library_a_training_that_is_to_be_kept_there_does_not_begin(
    tmp_path: Path, trainings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ModuleNotFoundError, match=r"^models/base: .*pip install 'modelmill\[wandb\]', or leave wandb_project out"):
        made(tmp_path, "demo")
    assert trainings == []


def test_what_another_trainer_trains_on_a_machine_of_its_own_does_not_begin_and_the_way_is_told(tmp_path: Path, trainings: list[Path]) -> None:
    with pytest.raises(ValueError, match=r"models/base: megatron trains on a machine of its own: mill launch base --to FOLDER writes what it needs"):
        made(tmp_path, layout=Layout(back_end="megatron"))
    assert trainings == []


def library_of(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    library.__spec__ = ModuleSpec("wandb", None, origin="here")
    monkeypatch.setitem(sys.modules, "wandb", library)
    return library


def test_an_offline_run_stands_in_the_home_and_metadata_and_log_say_how_it_is_sent(
    tmp_path: Path, trainings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    library, words = library_of(monkeypatch), list[str]()
    home, manifest = made(tmp_path, "demo", words.append)
    folder = home.offline_run(manifest.cell, manifest.fingerprint)
    assert folder.is_relative_to(home.root / "wandb" / "r" / "models/base")
    assert manifest.metadata["wandb_sync"] == f"wandb sync {folder}/wandb/offline-run-1"
    assert len(words) == 1 and words[0].startswith("3 steps for Weights & Biases stand in") and words[0].endswith(manifest.metadata["wandb_sync"])
    assert [step for step, _ in library.logged] == [1, 2, 3] and library.logged[0][1].keys() >= {"train/loss", "train/mfu", "_timestamp"}
    assert library.arguments["project"] == "demo" and library.arguments["name"] == "base" and library.arguments["group"] == "r"
    assert made(tmp_path / "plain")[1].content == manifest.content, "it changes nothing of the model"


def test_a_run_that_cannot_be_written_costs_no_training(tmp_path: Path, trainings: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    library = library_of(monkeypatch)

    def fail(values: dict[str, float], step: int) -> None:
        raise RuntimeError("no service")

    monkeypatch.setattr(library, "log", fail)
    with pytest.raises(RuntimeError, match=r"^models/base is trained and kept, but .* leave wandb_project out, and mill up goes on without training"):
        made(tmp_path, "demo")
    _, manifest = made(tmp_path)
    assert len(trainings) == 1 and manifest.metadata["final_loss"] == 2.0 and "wandb_sync" not in manifest.metadata
