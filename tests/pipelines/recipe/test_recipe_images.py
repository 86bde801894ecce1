"""Recipes of models that read images: what goes with what, told on the line where it is wrong."""

from pathlib import Path

from pipelines.recipe.schema import load_recipe
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
