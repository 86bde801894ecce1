"""Trainings side by side: only those that compare, each with what it came to, in a cell of their own and with the leaderboard."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets.evals.leaderboard import leaderboard
from assets.evals.training_runs import Comparable, RunsConfig, comparable_of, groups_of, training_runs
from assets.graph.artifact import by_name
from assets.models.checkpoints import ModelPlan
from assets.models.needs import NeedsOfRecipe
from kernels.models.architectures import modernbert
from kernels.specs.families import configured, specs
from resources.devices.jobs import World
from resources.storage.home import Home
from resources.storage.manifest import Cell
from tests.kernels.methods.pretraining.test_pretrain import config
from tests.small_graphs import artifact, bring_up, graph_of, observed

MIXED = Comparable("pretrain", "next_token", (64,), None)

SEEN_WHOLE = modernbert.ModernBertConfig(
    kind="modernbert", hidden_size=16, num_layers=1, num_heads=2, intermediate_size=32, max_position_embeddings=64, tie_embeddings=True
)


def losses(loss: float, **columns: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"step": [1.0, 2.0, 3.0], "loss": [5.0, 4.0, loss], **columns})


WHOLE: dict[str, list[float | None]] = {"num_tokens": [8.0, 8.0, 16.0], "validation_bits_per_byte": [None, 2.0, 1.5]}


def test_models_compare_that_learn_the_same_from_the_same_data_and_are_measured_on_the_same_rows() -> None:
    models = {"b": MIXED, "a": MIXED, "other_data": MIXED._replace(data="code"), "masked": MIXED._replace(learns="masked")}
    models |= {"fewer_rows": MIXED._replace(measured_on=(8,))}
    assert groups_of(models) == {"pretrain_next_token": ["a", "b"]}
    assert groups_of({"alone": MIXED}) == {}


def test_losses_of_objectives_that_hide_more_or_less_do_not_compare() -> None:
    said = NeedsOfRecipe("a", (), "pretrain", None, None)

    def masked(rate: float) -> Comparable:
        objective = configured("objectives", "masked").model_copy(update={"rate": rate})
        return comparable_of(ModelPlan(specs("methods")["pretrain"], config(objective=objective, architecture=SEEN_WHOLE), said, World(), {}), None)

    assert groups_of({"a": masked(0.15), "b": masked(0.15), "c": masked(0.4)}) == {"pretrain_masked": ["a", "b"]}


def test_losses_of_preferences_held_to_the_reference_by_other_strengths_do_not_compare() -> None:
    """The loss of one pair of one model is another by each beta."""

    def preferring(beta: float) -> Comparable:
        dpo = specs("methods")["dpo"]
        chosen = dpo.config.model_construct(beta=beta, max_validation_sequences=8, validation_fraction=0.1, max_length=64)
        return comparable_of(ModelPlan(dpo, chosen, NeedsOfRecipe("a", ("sft",), ("pairs",), None, None), World(), {}), 1)

    assert groups_of({"a": preferring(0.1), "b": preferring(0.1), "c": preferring(0.5)}) == {"pairs_dpo": ["a", "b"]}


def test_examples_are_compared_only_by_one_tokenizer() -> None:
    sft = Comparable("chats", "sft", (), 1)
    assert groups_of({"a": sft, "b": sft._replace(tokenizer=2)}) == {}
    assert groups_of({"a": sft, "b": sft}) == {"chats_sft": ["a", "b"]}


def test_groups_whose_words_are_alike_have_names_of_their_own_that_a_file_can_have() -> None:
    wide = MIXED._replace(measured_on=(8,))
    images = Comparable("/data/set-1/", "pretrain_image_text", (8,), None)
    found = groups_of({"a": MIXED, "b": MIXED, "c": wide, "d": wide, "e": images, "f": images})
    assert found == {"pretrain_next_token": ["a", "b"], "pretrain_next_token_2": ["c", "d"], "set_1_pretrain_image_text": ["e", "f"]}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.resolve(tmp_path, {})


def model(home: Home, name: str, found: pl.DataFrame | None, **metadata: float) -> Any:
    def build(cell: Any) -> None:
        if found is not None:
            cell.write("losses", found.to_arrow())
        cell.draft.metadata |= metadata

    return artifact(f"models/{name}", build)


def test_each_training_has_a_row_and_those_of_a_group_a_plot(home: Home) -> None:
    runs = training_runs("r", {"mixed": ["a", "b"], "chats": ["c", "d"]})
    models = [model(home, "a", losses(3.0, **WHOLE), mfu=0.25), model(home, "b", losses(2.0, **WHOLE))]
    models += [model(home, "c", losses(1.0)), model(home, "d", None)]
    bring_up(graph_of(*models, runs), home, observed())
    manifest = home.lake().require(Cell("r", "evals/training_runs", None))
    found = pl.read_parquet(home.lake().folder(manifest.cell, manifest.version) / "runs.parquet")
    assert found.rows() == [
        ("mixed", "a", 3, 32, 3.0, None, 1.5),
        ("mixed", "b", 3, 32, 2.0, None, 1.5),
        ("chats", "c", 3, None, 1.0, None, None),
    ]
    curves = pl.read_parquet(home.lake().folder(manifest.cell, manifest.version) / "curves.parquet").filter(pl.col("model") == "a")
    assert curves.rows() == [
        ("mixed", "a", 1.0, 8, 5.0, None, None),
        ("mixed", "a", 2.0, 16, 4.0, None, 2.0),
        ("mixed", "a", 3.0, 32, 3.0, None, 1.5),
    ]
    assert manifest.metadata["runs_mixed"] == {"png": "runs_mixed.png"} and "runs_chats" not in manifest.metadata, "one alone compares with nothing"
    assert "0.25" in manifest.metadata["runs"]["markdown"] and manifest.unhashed.keys() == {"runs_mixed.png"}


def test_the_leaderboard_shows_the_trainings_that_it_is_made_from(home: Home) -> None:
    runs = training_runs("r", {"mixed": ["a", "b"]})
    board = leaderboard("r", {"a": ["e"], "b": ["e"]}, shows_runs=True)
    assert [upstream.asset for upstream in board.made_from] == ["evals/a", "evals/b", "evals/training_runs"]
    assert "evals/training_runs" not in leaderboard("r", {"a": ["e"]}).upstream
    score = pl.DataFrame(
        [("m", 0.5, 0.4, 0.6, 0.25, 10, True)], orient="row", schema=["metric", "value", "low", "high", "chance", "num_items", "higher_is_better"]
    )
    models = [model(home, "a", losses(3.0)), model(home, "b", losses(2.0))]

    def build(cell: Any) -> None:
        cell.write("scores", score.to_arrow())

    scored = [artifact(f"evals/{name}", build, partitioning=by_name("evals", ["e"])) for name in "ab"]
    bring_up(graph_of(*models, *scored, runs, board), home, observed())
    manifest = home.lake().require(Cell("r", "evals/leaderboard", None))
    assert manifest.metadata["runs_mixed"] == {"png": "runs_mixed.png"}
    assert {parent.name for parent in manifest.parents} == {"evals/a[e]", "evals/b[e]", "evals/training_runs"}


def test_a_group_is_part_of_what_is_computed() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        RunsConfig(groups={})
    one, other = (training_runs("r", {"mixed": models}).config(None) for models in (["a", "b"], ["a", "c"]))
    assert one != other
