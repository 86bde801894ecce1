"""A training through Dagster, in a process of its own: its steps are observed while it goes on, and killed it goes on to the same end."""

import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import numpy as np
import pytest

from assets.graph.artifact import Graph
from assets.graph.build import CellBuild
from assets.models import jobs
from assets.models.checkpoints import ModelPlan, model
from assets.models.needs import NeedsOfRecipe
from assets.orchestration import cells
from assets.orchestration.keys import asset_key
from assets.tokens.names import mixture_asset, tokenizer_asset
from kernels.methods.pretraining.pretrain import SPEC
from kernels.specs.families import expanded
from kernels.specs.layout import Layout
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from kernels.training.logs.losses import LOSSES
from pipelines.daemon.instance import open_instance
from pipelines.planning.bring_up import bring_up
from pipelines.planning.materialize import materialize_jobs
from resources.devices import following
from resources.devices.jobs import World
from resources.storage import ledger
from resources.storage.home import Home
from resources.storage.manifest import Cell, Manifest
from resources.storage.progress import Progress, listening
from tests.kernels.methods.pretraining.test_pretrain import LENGTH, config
from tests.scratch import scratch_files, taken_steps
from tests.small_graphs import artifact, graph_of
from tests.small_mixtures import put_rows

ALONE = Layout()
MODEL, NUM_STEPS, EVERY = "models/base", 360, 20
TOLD = {"step", "num_steps", "loss", "learning_rate", "gradient_norm", "num_tokens", "tokens_per_second", "mfu", "memory_mb", "peak_memory_mb"}


def graph(layout: Layout = ALONE) -> Graph:
    def pack(build: CellBuild) -> None:
        rows = np.random.default_rng(0).integers(4, 20, (8, LENGTH))
        for split in ("train", "validation"):
            put_rows(build.draft.folder, split, rows, np.zeros_like(rows))

    def learn(build: CellBuild) -> None:
        write_tokenizer(train(iter(["a b c"] * 4), ByteBpeConfig(vocab_size=262)), build.draft.folder)

    asked = config(num_steps=NUM_STEPS, checkpoint_every=EVERY, validate_every=NUM_STEPS)
    families = {"architecture": asked.architecture.model_dump(), "objective": asked.objective.model_dump()}
    chosen = expanded(SPEC.config).model_validate({**asked.model_dump(), **families})
    plan = ModelPlan(SPEC, chosen, NeedsOfRecipe("base", (), "m", None, None), World(num_processes=layout.processes, device="cpu"), {}, None, layout)
    return graph_of(artifact(tokenizer_asset(None), learn), artifact(mixture_asset("m"), pack), model("r", "base", plan))


class Trained(NamedTuple):
    """What a training came to, what Dagster shows of it, and the steps that were heard of."""

    home: Home
    observations: list[dict[str, float]]
    steps: list[int]

    @property
    def manifest(self) -> Manifest:
        return self.home.lake().require(Cell("r", MODEL, None))

    def read(self, name: str) -> bytes:
        return (self.home.lake().folder(self.manifest.cell) / name).read_bytes()


def trained(folder: Path, hear: Callable[[Progress, Home, dg.DagsterInstance], None], layout: Layout = ALONE) -> Trained:
    home, steps = Home.resolve(folder, {}), list[int]()
    with open_instance(home) as instance, home.lock("up"):

        def listen(progress: Progress) -> None:
            if progress.kind == "advanced" and progress.cell.asset == MODEL and progress.step:  # words are of no step
                steps.append(progress.step)
                hear(progress, home, instance)

        lake, made = home.lake(), graph(layout)
        with listening(listen), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Dagster deprecates of its own that its Pipes call
            result = bring_up(made, materialize_jobs(made, folder / "recipe.yaml", home, lake), instance, lake, home, set(made.artifacts))
        assert not result.left and not result.failed, "what a second attempt makes up for is no failure of the whole"
        return Trained(home, observed(instance), steps)


def observed(instance: dg.DagsterInstance) -> list[dict[str, float]]:
    """Return the numbers of each observation of the model, the first one first."""
    records = instance.fetch_observations(asset_key("r", MODEL), limit=1000).records
    found = [record.asset_observation for record in records]
    return [{name: float(value.value) for name, value in each.metadata.items()} for each in reversed(found) if each is not None]  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module", autouse=True)
def heard_at_once_from_one_thread() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(following, "POLL_SECONDS", 0.02)
        patched.setattr(jobs, "num_cores", lambda: 1)
        yield


@pytest.fixture(scope="module")
def while_it_trained() -> list[tuple[int, int]]:
    """How many steps were taken and how many observed, whenever a step was heard of before the last one was taken."""
    return []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, while_it_trained: list[tuple[int, int]]) -> Trained:
    def hear(progress: Progress, home: Home, instance: dg.DagsterInstance) -> None:
        taken = taken_steps(home)
        if taken < NUM_STEPS and len(while_it_trained) < 50:
            while_it_trained.append((taken, len(observed(instance))))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cells, "OBSERVE_SECONDS", 0.1)
        return trained(tmp_path_factory.mktemp("undisturbed"), hear)


def test_steps_are_observed_while_the_training_goes_on_with_all_that_is_told_of_them(
    undisturbed: Trained, while_it_trained: list[tuple[int, int]]
) -> None:
    first, *between, last = undisturbed.observations
    assert (first["step"], last["step"], last["loss"]) == (1, NUM_STEPS, undisturbed.manifest.metadata["final_loss"])
    assert [each for each in undisturbed.observations if TOLD - each.keys() or min(each[name] for name in TOLD) <= 0] == []
    assert between
    assert max((count for _, count in while_it_trained), default=0) >= 2, "before the last step was taken"


def test_a_training_that_is_killed_goes_on_to_the_same_weights_and_losses_bit_for_bit(undisturbed: Trained, tmp_path: Path) -> None:
    killed: list[int] = []

    def hear(progress: Progress, home: Home, instance: dg.DagsterInstance) -> None:
        children = multiprocessing.active_children()
        if progress.step < EVERY or killed or not children:  # what is heard of lags behind, past the end of a process
            return
        (child,) = children
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)  # while it is looked at
        sealed = [int(Path(seal).parent.name.removeprefix("step-")) for seal in scratch_files(home, "step-*/seal.json")]
        if sealed and progress.step > max(sealed):
            os.kill(child.pid, signal.SIGKILL)
            killed.append(progress.step)
        else:
            os.kill(child.pid, signal.SIGCONT)

    again = trained(tmp_path, hear)
    (first,) = [number for number, (before, after) in enumerate(zip(again.steps, again.steps[1:], strict=False), 1) if after <= before]
    assert again.steps[first] % EVERY == 1 < again.steps[first], "it went on behind a state"
    assert again.steps[first:] == list(range(again.steps[first], NUM_STEPS + 1))
    for name in ("model.safetensors", LOSSES):
        assert again.read(name) == undisturbed.read(name)
    assert again.manifest.content == undisturbed.manifest.content
    (failed,) = [attempt for attempt in ledger.read(again.home.lake(), "r") if attempt.outcome == "failed"]
    assert "was ended by signal 9" in failed.reason


def test_where_one_of_several_processes_is_killed_all_end_that_one_is_named_and_training_goes_on(undisturbed: Trained, tmp_path: Path) -> None:
    killed: list[int] = []

    def hear(progress: Progress, home: Home, instance: dg.DagsterInstance) -> None:
        workers = [child for child in multiprocessing.active_children() if child.name.endswith(" 1")]
        if progress.step > EVERY and not killed and workers and workers[0].pid and scratch_files(home, "step-*/seal.json"):
            os.kill(workers[0].pid, signal.SIGKILL)
            killed.append(progress.step)

    again = trained(tmp_path, hear, Layout(processes=2))
    assert killed
    (failed,) = [attempt for attempt in ledger.read(again.home.lake(), "r") if attempt.outcome == "failed"]
    assert "process 1 of the 2 that runs" in failed.reason and "was ended by signal 9, and the others with it" in failed.reason
    (first,) = [number for number, (before, after) in enumerate(zip(again.steps, again.steps[1:], strict=False), 1) if after <= before]
    assert again.steps[first] % EVERY == 1 < again.steps[first], "it went on behind a state"
    assert again.steps[first:] == list(range(again.steps[first], NUM_STEPS + 1))
    assert again.manifest.metadata["world"] == {"device": "cpu", "processes": 2}
    assert again.manifest.metadata["first_loss"] == pytest.approx(undisturbed.manifest.metadata["first_loss"], abs=1e-5)
    assert again.manifest.metadata["num_train_tokens"] == undisturbed.manifest.metadata["num_train_tokens"]


def test_first_and_last_step_are_observed_and_between_them_one_in_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[Any] = []
    with dg.build_asset_context() as context:
        monkeypatch.setattr(type(context), "log_event", lambda self, event: logged.append(event))
        monkeypatch.setattr(type(context), "asset_key", asset_key("r", MODEL))
        observe = cells._observer(context, Cell("r", MODEL, None))
        for step, seconds in enumerate((100.0, 101.0, 104.9, 105.0, 106.0, 106.1), 1):
            monkeypatch.setattr(cells.time, "monotonic", lambda now=seconds: now)
            observe({"step": step, "num_steps": 6, "loss": 1.0 / step})
    assert [event.metadata["step"].value for event in logged] == [1, 4, 6]
