"""Evals are asked of the models that they make sense of."""

from pathlib import Path
from typing import Any

import pytest

from kernels.specs.families import specs
from pipelines.recipe.graph import build_graph
from pipelines.recipe.kinds_of_models import ModelKind, continues_texts, inherited_modules, kind_of_model
from pipelines.recipe.schema import load_recipe
from pipelines.settings import find_recipe
from resources.storage.home import Home
from resources.storage.sources import ObservedSources
from tests.small_recipe import RECIPE, SMALL, faults, line_of, write

BASE = SMALL[SMALL.index("  base:") :]
SHAPE = "num_kv_heads: 1\n      intermediate_size: 64"
ENCODER = (
    BASE.replace("  base:", "  encoder:")
    .replace("kind: llama", "kind: modernbert")
    .replace(SHAPE, "intermediate_size: 64")
    .replace("    num_steps: 30", "    objective: {kind: masked}\n    num_steps: 30")
)
FURTHER = BASE[BASE.index("    num_steps: 30") :]
EVALS = "evals:\n  heldout: {task: perplexity, data: pretrain, num_items: 20, max_bytes: 500, seed: 1}\n"
CHILD = "  child:\n    method: continue_pretraining\n    from: [encoder]\n    data: pretrain\n    objective: {kind: masked}\n" + FURTHER
GRANDCHILD = CHILD.replace("child:", "grandchild:").replace("[encoder]", "[child]")
INT8 = "  child: {method: int8, from: [encoder], num_sequences: 2, sequence_length: 32, seed: 1}\n"
MASKED = SMALL.replace("vocab_size: 300", "vocab_size: 300\n  special_tokens: {mask: true}")
BOTH = MASKED + ENCODER + EVALS


def scored_by(folder: Path, text: str) -> dict[str, list[str]]:
    """Return which evals each asset of scores has, and what the leaderboard is made from."""
    graph = build_graph(load_recipe(write(folder, text)), Home.resolve(folder / ".mill", {}))
    found: dict[str, list[str]] = {}
    for name, artifact in graph.artifacts.items():
        if name.startswith("evals/") and artifact.partitioning is not None:
            found[name] = sorted(str(key) for key in artifact.partitioning.keys(ObservedSources()))
    if "evals/leaderboard" in graph.artifacts:
        found["evals/leaderboard"] = sorted(upstream.asset for upstream in graph.artifacts["evals/leaderboard"].made_from)
    return found


def test_a_model_to_which_no_eval_applies_has_no_scores_and_no_place_on_the_leaderboard(tmp_path: Path) -> None:
    assert scored_by(tmp_path, BOTH) == {"evals/base": ["heldout"], "evals/leaderboard": ["evals/base"]}


def test_a_model_is_asked_those_evals_alone_that_apply_to_it(tmp_path: Path) -> None:
    words = "  words: {task: hidden_word, data: pretrain, num_items: 20, num_options: 3, max_bytes: 100, seed: 1}\n"
    found = scored_by(tmp_path, BOTH + words)
    assert found["evals/base"] == ["heldout", "words"] and found["evals/encoder"] == ["words"]
    assert found["evals/leaderboard"] == ["evals/base", "evals/encoder"]


@pytest.mark.parametrize("child", [CHILD, INT8])
def test_a_model_made_from_another_sees_as_that_one_does(child: str, tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, MASKED + ENCODER + child)).entries
    assert [kind_of_model(recipe, name) for name in ("base", "encoder", "child")] == [
        ModelKind("causal", reads_images=False),
        *[ModelKind("bidirectional", reads_images=False)] * 2,
    ]


def code_version(folder: Path, text: str, model: str) -> str:
    return build_graph(load_recipe(write(folder, text)), Home.resolve(folder / ".mill", {})).artifacts[f"models/{model}"].code_version


@pytest.mark.parametrize("model", ["encoder", "child", "grandchild"])
def test_a_training_is_of_the_version_of_the_module_that_it_takes_further(model: str, tmp_path: Path) -> None:
    found = code_version(tmp_path, MASKED + ENCODER + CHILD + GRANDCHILD, model)
    assert found.split("+").count(f"modernbert:{specs('architectures')['modernbert'].version}") == 1 and "llama" not in found


def test_what_is_not_trained_is_of_no_modules_version(tmp_path: Path) -> None:
    assert code_version(tmp_path, MASKED + ENCODER + INT8, "child") == f"int8:{specs('methods')['int8'].version}"


def test_what_others_made_may_be_taken_further_by_any_causal_module() -> None:
    entries = load_recipe(find_recipe("fine_tune")).entries
    assert [spec.name for spec in inherited_modules(entries, "tuned")] == ["llama", "llava", "mamba2"]


def test_only_a_model_that_continues_texts_is_one_to_talk_to(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, BOTH)).entries
    assert [continues_texts(recipe, name) for name in ("base", "encoder", "unknown")] == [True, False, False]


def test_what_others_made_counts_as_causal(tmp_path: Path) -> None:
    assert kind_of_model(load_recipe(write(tmp_path, RECIPE)).entries, "adopted") == ModelKind("causal", reads_images=False)


def test_a_gate_whose_eval_does_not_apply_to_the_candidate_is_told_with_its_line(tmp_path: Path) -> None:
    text = BOTH + "release: {candidate: encoder, metric: heldout/bits_per_byte, tolerance: 0.02}\n"
    told = "the task 'perplexity' is for causal or prefix models, and the candidate 'encoder' is bidirectional"
    remedy = "decide by another eval (add one) or release another model"
    assert faults(tmp_path, text) == [f"{line_of(text, 'release:')}: release.metric: {told}; {remedy}"]


def test_an_eval_that_applies_to_no_model_is_told_with_its_line(tmp_path: Path) -> None:
    text = MASKED.replace(BASE, ENCODER) + EVALS
    told = "the task 'perplexity' is for causal or prefix models, and the recipe has none; leave the eval out, or add such a model"
    assert faults(tmp_path, text) == [f"{line_of(text, 'heldout: {')}: evals.heldout.task: {told}"]


def test_every_task_says_of_which_models_it_is_asked_and_masked_tokens_continue_no_text() -> None:
    asked: dict[str, Any] = {name: task.attentions for name, task in specs("tasks").items()}
    assert asked["perplexity"] == {"causal", "prefix"}
    assert asked["hidden_word"] == {"causal", "prefix", "bidirectional", "encoder_decoder"}
    assert all("bidirectional" not in attentions for name, attentions in asked.items() if name != "hidden_word")


def test_models_that_are_asked_different_evals_have_partitions_of_different_names(tmp_path: Path) -> None:
    words = "  words: {task: hidden_word, data: pretrain, num_items: 20, num_options: 3, max_bytes: 100, seed: 1}\n"
    graph = build_graph(load_recipe(write(tmp_path, BOTH + words)), Home.resolve(tmp_path / ".mill", {}))
    names = {name: artifact.partitioning.name for name, artifact in graph.artifacts.items() if name.startswith("evals/") and artifact.partitioning}
    assert names == {"evals/base": "evals", "evals/encoder": "evals_of_bidirectional"}


MIXTURE = SMALL[SMALL.index("  pretrain:") : SMALL.index("models:")]


def with_another_mixture(*changes: tuple[str, str]) -> str:
    """Return a recipe whose eval asks two models, one of them trained on a mixture of its own."""
    other = MIXTURE.replace("  pretrain:", "  other:")
    for old, new in changes:
        assert old in other
        other = other.replace(old, new)
    model = BASE.replace("  base:", "  rival:").replace("data: pretrain", "data: other")
    return SMALL.replace(MIXTURE, MIXTURE + other) + model + EVALS


@pytest.mark.parametrize(("old", "new"), [("seed: 1", "seed: 2"), ("validation_fraction: 0.2", "validation_fraction: 0.1")])
def test_an_eval_of_documents_that_a_model_may_have_been_trained_on_is_told_with_its_line(old: str, new: str, tmp_path: Path) -> None:
    text = with_another_mixture((old, new))
    told = "'rival' is trained on the mixture 'other', which may train on what 'pretrain' holds out"
    remedy = "give both one seed, and 'other' no smaller validation_fraction"
    assert faults(tmp_path, text) == [f"{line_of(text, 'heldout: {')}: evals.heldout.data: {told}; {remedy}"]


@pytest.mark.parametrize(("old", "new"), [("sequence_length: 64", "sequence_length: 32"), ("validation_fraction: 0.2", "validation_fraction: 0.3")])
def test_mixtures_that_hold_out_the_same_documents_or_more_may_be_compared(old: str, new: str, tmp_path: Path) -> None:
    load_recipe(write(tmp_path, with_another_mixture((old, new))))


def test_mixtures_of_different_sources_hold_nothing_out_for_each_other(tmp_path: Path) -> None:
    load_recipe(write(tmp_path, with_another_mixture(("seed: 1", "seed: 2"), ("books: 1.0", "chats: 1.0"))))


def test_what_mixtures_hold_out_of_a_source_no_model_is_taught_as_an_example(tmp_path: Path) -> None:
    other = MIXTURE.replace("  pretrain:", "  other:").replace("seed: 1", "seed: 2").replace("{books: 1.0}", "{chats: 1.0}")
    unread = MIXTURE.replace("  pretrain:", "  unread:").replace("{books: 1.0}", "{books: 1.0, chats: 0.0}").replace("seed: 1", "seed: 3")
    for text, expected in ((RECIPE, {}), (RECIPE.replace(MIXTURE, MIXTURE + other + unread), {"chats": [{"seed": 2, "validation_fraction": 0.2}]})):
        graph = build_graph(load_recipe(write(tmp_path, text)), Home.resolve(tmp_path / ".mill", {}))
        config = graph.artifacts["models/sft"].config(None)
        assert config is not None and config.model_dump(mode="json", by_alias=True).get("held_out", {}) == expected
