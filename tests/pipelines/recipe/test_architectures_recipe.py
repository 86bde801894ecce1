"""The recipe that compares architectures compares like with like."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from assets.evals.names import LEADERBOARD
from assets.graph.build import CellBuild
from assets.graph.upstream import whole
from assets.tokens.names import mixture_asset, tokenizer_asset
from kernels.models.formats import own
from kernels.models.formats.auto_classes import auto_class
from kernels.models.formats.checkpoints import load
from kernels.specs.families import specs
from kernels.tokens.tokenizer_files import vocabulary_of, write_tokenizer
from kernels.training import outline, runs
from kernels.training.costs.work import training_flops
from pipelines.planning.trainings import trainings
from pipelines.recipe.graph import build_graph
from pipelines.recipe.kinds_of_models import applies, kind_of_model
from pipelines.recipe.schema import Recipe, kernel_config, load_recipe
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from tests.locations import PROJECT
from tests.small_graphs import artifact, bring_up, graph_of, launch_here, observed
from tests.small_mixtures import put_rows

RECIPE = PROJECT / "pipelines" / "recipes" / "architectures.yaml"
SHORTER = {
    "num_steps: 900": "num_steps: 3",
    "warmup_steps: 60": "warmup_steps: 1",
    "batch_size: 8": "batch_size: 2",
    "hidden_size: 192": "hidden_size: 64",
    "vocab_size: 4096": "vocab_size: 700",
    "sequence_length: 256": "sequence_length: 64",
    "max_validation_sequences: 64": "max_validation_sequences: 2",
    "num_items: 400, num_options: 5": "num_items: 3, num_options: 2",
    "num_items: 100, max_bytes: 1000": "num_items: 2, max_bytes: 60",
}


@cache
def recipe() -> Any:
    return load_recipe(RECIPE).entries


def num_parameters(entry: Any) -> int:
    own.classes()
    tokenizer = recipe().tokenizers[recipe().mixtures[entry.data].tokenizer]
    shape = specs("architectures")[entry.architecture.kind].build(entry.architecture, vocab_size=tokenizer.vocab_size, eos_token_id=0, pad_token_id=3)
    with torch.device("meta"):
        model = auto_class(shape).from_config(shape)
    return sum(parameter.numel() for parameter in model.parameters())


def test_its_models_have_about_two_million_parameters_each() -> None:
    sizes = {name: num_parameters(entry) for name, entry in recipe().models.items()}
    assert all(1_900_000 < size < 2_350_000 for size in sizes.values()), sizes


def attentions(names: Iterable[str]) -> set[str]:
    """Return who may look at whom in models of the recipe."""
    return {kind.attention for name in names if (kind := kind_of_model(recipe(), name)) is not None}


def test_every_family_that_reads_texts_is_among_them() -> None:
    families = {kind for kind, spec in specs("architectures").items() if not spec.reads_images}
    assert {entry.architecture.kind for entry in recipe().models.values()} == families >= {"llama", "prefix_decoder", "mamba2", "modernbert", "t5"}


def test_they_are_of_every_kind_and_read_as_many_tokens_of_the_same_shares_and_hold_the_same_documents_out() -> None:
    models, mixtures = recipe().models, recipe().mixtures
    assert attentions(models) == {"causal", "prefix", "bidirectional", "encoder_decoder"}
    assert len({entry.num_steps * entry.batch_size * mixtures[entry.data].sequence_length for entry in models.values()}) == 1
    assert len({mixture.model_copy(update={"tokenizer": None}).model_dump_json() for mixture in mixtures.values()}) == 1


def test_all_are_asked_for_the_hidden_word_and_decoders_alone_for_bits_per_byte() -> None:
    assert all(applies(recipe(), "hidden_word", name) for name in recipe().models)
    asked = [name for name in recipe().models if applies(recipe(), "heldout", name)]
    assert attentions(asked) == {"causal", "prefix"}


TEXTS = [
    f"the {thing} in the old house was seen by {who} before the light of morning came to the river and the garden"
    for thing in ("bread", "lamp", "stone", "window")
    for who in ("children", "people", "traders")
]


def shortened(folder: Path) -> Recipe:
    """Return the recipe with three steps a model, on little of everything."""
    text = RECIPE.read_text()
    for long, short in SHORTER.items():
        assert long in text, long
        text = text.replace(long, short)
    (folder / "recipe.yaml").write_text(text)
    return load_recipe(folder / "recipe.yaml")


def write_mixture(build: CellBuild, tokenizer: str, length: int) -> None:
    ids = sorted(vocabulary_of(build.folder(tokenizer)).values())
    for split, num_rows in (("train", 12), ("validation", 4)):
        rows = np.random.default_rng(num_rows).choice(ids[len(ids) // 2 :], (num_rows, length))
        put_rows(build.draft.folder, split, rows, np.tile(np.arange(length) // (length // 2), (num_rows, 1)))
    heldout = pl.DataFrame({"id": [f"a/{number}" for number in range(len(TEXTS))], "source": "a", "text": TEXTS})
    heldout.write_parquet(build.draft.folder / "heldout.parquet")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, Lake]:
    """The shortened recipe from its tokenizers to its leaderboard, tokenizers and mixtures of a few texts."""
    folder = tmp_path_factory.mktemp("architectures")
    short, home = shortened(folder), Home.resolve(folder / "home", {})
    entries = short.entries

    def tokenizer(name: str, entry: Any) -> Any:
        config: Any = kernel_config("tokenizers", entry.method, entry)

        def learn(build: CellBuild) -> None:
            write_tokenizer(specs("tokenizers")[entry.method].train(iter(TEXTS), config), build.draft.folder, config.special_tokens)

        return artifact(tokenizer_asset(name), learn, recipe=entries.name)

    def mixture(name: str, entry: Any) -> Any:
        made_from = tokenizer_asset(entry.tokenizer)
        return artifact(
            mixture_asset(name),
            lambda build: write_mixture(build, made_from, entry.sequence_length),
            recipe=entries.name,
            made_from=(whole(made_from),),
        )

    own = [tokenizer(*each) for each in entries.tokenizers.items()] + [mixture(*each) for each in entries.mixtures.items()]
    above = [made for name, made in build_graph(short, home).artifacts.items() if name.startswith(("models/", "evals/"))]
    with pytest.MonkeyPatch.context() as patched:
        for part in (runs, outline):
            patched.setattr(part, "measure_peak", lambda device, precision: 1e12)
        for chart in ("losses", "scores"):  # these and the peak take a second each, and nothing here is of them
            patched.setattr(f"kernels.charts.{chart}.png", lambda *drawn: b"drawn")
        bring_up(graph_of(*own, *above, recipe=entries.name), home, observed(), launch=launch_here(lambda words: None))
    return short, home.lake()


def test_every_model_of_it_trains_by_its_own_config_and_stands_on_the_leaderboard(trained: tuple[Recipe, Lake]) -> None:
    short, lake = trained
    for name, entry in short.entries.models.items():
        cell = Cell(short.entries.name, f"models/{name}", None)
        losses = pl.read_parquet(lake.folder(cell) / "losses.parquet")
        assert losses["step"].to_list() == [1, 2, 3] and losses["loss"].is_finite().all() and losses["validation_loss"][-1] > 0
        assert load(lake.folder(cell), "cpu").attention == specs("methods")["pretrain"].attention(kernel_config("methods", "pretrain", entry))
    board = pl.read_parquet(lake.folder(Cell(short.entries.name, LEADERBOARD, None)) / "scores.parquet")
    found = {(model, eval_) for model, eval_ in board.select("model", "eval").rows()}
    assert found == {(name, eval_) for name in short.entries.models for eval_ in short.entries.evals if applies(short.entries, eval_, name)}
    assert {model for model, _ in found} == short.entries.models.keys()


def test_what_is_foretold_of_each_training_is_what_it_counts_itself(trained: tuple[Recipe, Lake]) -> None:
    short, lake = trained
    foretold = {training.model: training.work for training in trainings(short.entries, lake, "cpu")}
    assert foretold.keys() == short.entries.models.keys()
    for name, work in foretold.items():
        told = lake.require(Cell(short.entries.name, f"models/{name}", None)).metadata
        assert work is not None
        assert (work.counts.num_parameters, work.counts.num_matmul_parameters) == (told["num_parameters"], told["num_matmul_parameters"])
        assert int(work.counts.flops_per_token(*work.step.lengths)) == told["flops_per_token"]
        taken = told["flops_per_token"] * told["num_train_tokens"]
        if work.counts.decoder is None:
            assert training_flops(work) == pytest.approx(taken, rel=1e-6)
        else:  # room that spans may take of a row, and did not
            assert 0.85 * training_flops(work) < taken <= training_flops(work)
