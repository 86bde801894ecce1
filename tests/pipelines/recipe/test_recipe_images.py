"""Recipes of models that read images: what goes with what, told on the line where it is wrong."""

from pathlib import Path

from pipelines.recipe.graph import build_graph
from pipelines.recipe.kinds_of_models import ModelKind, kind_of_model
from pipelines.recipe.schema import load_recipe
from resources.storage.home import Home
from resources.storage.sources import ObservedSources
from tests.small_recipe import SMALL, faults, line_of, write

ARCHITECTURE = """\
      image_size: 32
      patch_size: 8
      vision_width: 32
      vision_layers: 1
      vision_heads: 2
"""
SEEING = SMALL.replace("method: pretrain\n    data: pretrain", "method: pretrain_image_text\n    data: images").replace("kind: llama", "kind: llava")
SEEING = SEEING.replace("      tie_embeddings: true\n", f"      tie_embeddings: true\n{ARCHITECTURE}")


def test_a_model_of_images_needs_no_mixture(tmp_path: Path) -> None:
    before, behind = SEEING.split("mixtures:\n")
    load_recipe(write(tmp_path, before + behind[behind.index("models:") :]))


def test_a_model_of_images_needs_the_tokenizer_of_the_recipe(tmp_path: Path) -> None:
    text = SEEING.replace("tokenizer:\n  method", "tokenizers:\n  own:\n    method").replace(
        "\n  sources: [books]\n  partitions", "\n    sources: [books]\n    partitions"
    )
    text = text.replace("  partitions_per_source: 1\n  vocab_size: 300", "  partitions_per_source: 1\n    vocab_size: 300").replace(
        "    weights:", "    tokenizer: own\n    weights:"
    )
    (told,) = faults(tmp_path, text)
    assert "models.base: the method 'pretrain_image_text' needs a tokenizer; give the recipe the key 'tokenizer'" in told


def test_a_mixture_holds_no_images_for_an_architecture_that_reads_them(tmp_path: Path) -> None:
    text = SEEING.replace("method: pretrain_image_text\n    data: images", "method: pretrain\n    data: pretrain")
    (told,) = faults(tmp_path, text)
    assert told.startswith(f"{line_of(text, 'architecture:')}: models.base.architecture: llava reads images") and "pretrain_image_text" in told


def test_an_architecture_that_is_blind_learns_from_no_images(tmp_path: Path) -> None:
    text = SEEING.replace("kind: llava", "kind: llama").replace(ARCHITECTURE, "")
    (told,) = faults(tmp_path, text)
    assert told.startswith(f"{line_of(text, 'architecture:')}: models.base.architecture: llama reads no images; take one that does, such as llava")


def test_a_patch_that_does_not_divide_the_image_is_told_on_its_line(tmp_path: Path) -> None:
    text = SEEING.replace("patch_size: 8", "patch_size: 5")
    (told,) = faults(tmp_path, text)
    assert told.startswith(f"{line_of(text, 'patch_size')}: ") and "5 does not divide image_size 32; take one of 1, 2, 4, 8, 16, 32" in told


QUESTIONS = "evals:\n  looks: {task: image_questions, data: images, num_items: 5, seed: 1}\n"


def test_questions_that_a_model_has_learned_the_answers_of_are_no_test_of_it(tmp_path: Path) -> None:
    text = SEEING + QUESTIONS.replace("num_items", "split: train, num_items")
    told = "'base' learns the split 'train' of this folder; ask another split, or questions of another folder"
    assert faults(tmp_path, text) == [f"{line_of(text, 'looks:')}: evals.looks.split: {told}"]
    load_recipe(write(tmp_path, SEEING + QUESTIONS.replace("num_items", "split: validation, num_items")))
    load_recipe(write(tmp_path, SEEING + QUESTIONS.replace("data: images, num_items", "data: others, split: train, num_items")))


BLIND_MODEL = SMALL[SMALL.index("  base:") :].replace("  base:", "  blind:")


def test_questions_about_images_that_no_model_can_see_are_told_with_their_line(tmp_path: Path) -> None:
    text = SMALL + QUESTIONS
    told = "the task 'image_questions' is for causal models that read images, and the recipe has none; leave the eval out, or add such a model"
    assert faults(tmp_path, text) == [f"{line_of(text, 'looks:')}: evals.looks.task: {told}"]


def test_questions_about_images_are_asked_of_those_that_see_and_of_what_is_made_from_them(tmp_path: Path) -> None:
    child = "  small: {method: int8, from: [base], num_sequences: 2, sequence_length: 32, seed: 1}\n"
    recipe = load_recipe(write(tmp_path, SEEING + BLIND_MODEL + child + QUESTIONS))
    kinds = {name: kind_of_model(recipe.entries, name) for name in ("base", "small", "blind")}
    seeing = ModelKind("causal", reads_images=True)
    assert kinds == {"base": seeing, "small": seeing, "blind": ModelKind("causal", reads_images=False)}
    artifacts = build_graph(recipe, Home.resolve(tmp_path / ".mill", {})).artifacts
    assert {name for name in artifacts if name.startswith("evals/")} == {"evals/base", "evals/small", "evals/leaderboard"}


def test_a_model_that_sees_is_asked_more_than_one_that_does_not(tmp_path: Path) -> None:
    both = QUESTIONS + "  heldout: {task: perplexity, data: pretrain, num_items: 20, max_bytes: 500, seed: 1}\n"
    artifacts = build_graph(load_recipe(write(tmp_path, SEEING + BLIND_MODEL + both)), Home.resolve(tmp_path / ".mill", {})).artifacts
    keys = {name: artifacts[f"evals/{name}"].partitioning for name in ("base", "blind")}
    assert {name: sorted(map(str, found.keys(ObservedSources()))) for name, found in keys.items() if found is not None} == {
        "base": ["heldout", "looks"],
        "blind": ["heldout"],
    }
    assert {found.name for found in keys.values() if found is not None} == {"evals", "evals_of_causal"}


def test_a_candidate_that_sees_nothing_is_not_released_by_questions_about_images(tmp_path: Path) -> None:
    text = SEEING + BLIND_MODEL + QUESTIONS + "release: {candidate: blind, metric: looks/accuracy, tolerance: 0.02}\n"
    told = "the task 'image_questions' is for causal models that read images, and the candidate 'blind' is causal and reads none"
    remedy = "decide by another eval (add one) or release another model"
    assert faults(tmp_path, text) == [f"{line_of(text, 'release:')}: release.metric: {told}; {remedy}"]
