"""Examples that a model learns from: what mixtures hold out of a source is none of them."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from assets.corpus.names import CLEAN
from assets.graph.artifact import SHARDS
from assets.graph.making import make
from assets.graph.state import GraphState
from assets.models.checkpoints import ModelPlan, model
from assets.models.needs import NeedsOfRecipe
from kernels.documents.schema import document_table
from kernels.specs.config import Config
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Examples
from kernels.specs.sources import Document
from kernels.tokens.mixtures.config import MixtureConfig, ValidationShare, is_validation
from resources.devices.jobs import World
from resources.storage.home import Home
from resources.storage.manifest import Cell
from tests.small_graphs import artifact, graph_of, launch_here, no_launcher, observed, put_cell, workplace

CHATS = Examples("conversations")
PARTITIONS = ("chats.base.000", "news.base.000")
SHARE = ValidationShare(seed=3, validation_fraction=0.4)
MIXTURE = MixtureConfig(
    weights={"chats": 1.0},
    max_epochs=1.0,
    max_train_tokens=None,
    sequence_length=8,
    validation_fraction=SHARE.validation_fraction,
    max_heldout_documents=9,
    seed=SHARE.seed,
)


class Nothing(Config):
    seed: int = 1


@pytest.fixture
def method(monkeypatch: pytest.MonkeyPatch) -> Method:
    """A method whose model is the ids of its examples."""

    def run(job: MethodJob) -> dict[str, float]:
        ids = pq.read_table(job.paths[CHATS])["id"].to_pylist()
        (job.out / "learned.txt").write_text("\n".join(map(str, ids)))
        return {}

    found = Method(name="reading", version=1, config=Nothing, needs=(CHATS,), run=run)
    for module in ("kernels.specs.families", "assets.models.checkpoints"):
        monkeypatch.setattr(f"{module}.specs", lambda family: {"reading": found})
    return found


def learned(folder: Path, plan: ModelPlan) -> list[str]:
    """Make a model of forty documents a source and return the ids of those that it learned from."""
    home = Home.resolve(folder, {})
    lake = home.lake()
    for key in PARTITIONS:
        source = key.split(".")[0]
        put_cell(lake, Cell("r", CLEAN, key), documents=document_table(source, "f", [Document(str(n), f"text {n}") for n in range(40)]))
    graph = graph_of(artifact(CLEAN, no_launcher, partitioning=SHARDS), model("r", "sft", plan))
    state = GraphState(graph, lake, observed(*PARTITIONS))
    made = make(graph.artifacts["models/sft"], None, state, workplace(home, launch_here()))
    return (lake.folder(made.cell, made.version) / "learned.txt").read_text().split("\n")


def plan_of(method: Method, held_out: dict[str, tuple[ValidationShare, ...]]) -> ModelPlan:
    said = NeedsOfRecipe("sft", (), ("chats", "news"), None, None, held_out)
    return ModelPlan(method, Nothing(), said, World(device="cpu"), {})


def test_no_document_is_learned_from_that_a_mixture_holds_out(method: Method, tmp_path: Path) -> None:
    found = learned(tmp_path, plan_of(method, {"chats": (SHARE,)}))
    chats = [f"chats/f#{number}" for number in range(40)]
    assert found == [name for name in chats if not is_validation(name, MIXTURE)] + [f"news/f#{number}" for number in range(40)]
    assert 40 < len(found) < 80


def test_what_is_left_out_is_part_of_what_a_model_is_computed_by_beside_its_config(method: Method) -> None:
    artifacts = [model("r", "sft", plan_of(method, held_out)) for held_out in ({}, {"chats": (SHARE,)})]
    configs = [found.config(None) for found in artifacts]
    dumped = [config.model_dump(mode="json", by_alias=True) for config in configs if config is not None]
    share = {"seed": 3, "validation_fraction": 0.4}
    assert dumped == [{"seed": 1}, {"seed": 1, "held_out": {"chats": [share]}}]
