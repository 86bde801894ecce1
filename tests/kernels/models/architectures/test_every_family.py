"""What holds of every family: what it gives fits what it is asked for, it learns a batch by heart, and real text better than by frequencies."""

from typing import Any

import pytest
import torch

from kernels.models.formats.fast import fresh
from kernels.specs.families import specs
from kernels.training.feeding.batches import prepare_rows
from kernels.training.learner import reading_of
from tests.learning import END, LENGTH, PAD, VOCABULARY, loss_of_a_batch_read_often, losses_on_unseen_rows, text_rows, transform_of

STACK = {"hidden_size": 64, "num_layers": 2, "num_heads": 2, "max_position_embeddings": LENGTH, "tie_embeddings": True}
MULTI_HEAD = {**STACK, "intermediate_size": 48}
GROUPED = {**STACK, "num_kv_heads": 1, "intermediate_size": 128}
SEES = {"image_size": 8, "patch_size": 4, "vision_width": 24, "vision_layers": 1, "vision_heads": 3}
LONG_GAPS = {"noise_density": 0.5, "mean_span_length": 8}
STATES = {"hidden_size": 64, "num_layers": 2, "state_size": 8, "head_dim": 16, "chunk_size": 32, "tie_embeddings": True}
FAMILIES: dict[str, tuple[dict[str, Any], str, dict[str, Any], int, float]] = {
    "llama": (GROUPED, "next_token", {}, 80, 6e-3),
    "prefix_decoder": (GROUPED, "prefix_lm", {}, 80, 6e-3),
    "llava": ({**GROUPED, **SEES}, "next_token", {}, 80, 6e-3),
    "mamba2": (STATES, "next_token", {}, 60, 5e-3),
    "modernbert": ({**MULTI_HEAD, "global_every": 2, "local_attention": 16}, "masked", {"rate": 0.3}, 120, 3e-3),
    "t5": ({**MULTI_HEAD, "tie_embeddings": False}, "span_corruption", LONG_GAPS, 100, 6e-3),
}
"""Sizes, objective and what is said of it, and for how many steps it learns real text, and how fast."""


def shape(kind: str, **changes: Any) -> Any:
    spec = specs("architectures")[kind]
    images = {"image_token_id": VOCABULARY} if spec.reads_images else {}
    config = spec.config.model_validate({"kind": kind, **FAMILIES[kind][0], **changes})
    return spec.build(config, vocab_size=VOCABULARY + len(images), eos_token_id=END, pad_token_id=PAD, **images)


def asked(kind: str, **fields: Any) -> tuple[Any, Any]:
    """The objective of a family and its config."""
    objective = specs("objectives")[FAMILIES[kind][1]]
    return objective, objective.config(**fields)


def test_all_families_are_looked_at() -> None:
    assert set(FAMILIES) == set(specs("architectures"))


@pytest.mark.parametrize("kind", FAMILIES)
def test_from_every_position_that_has_a_target_each_token_of_the_vocabulary_has_a_score(kind: str) -> None:
    made = shape(kind)
    tokens, segments = text_rows()
    objective, config = asked(kind)
    examples = prepare_rows(tokens[:3], segments[:3], range(3), 1, transform_of(objective, config, segments))
    for dtype in (torch.float32, torch.bfloat16):
        module: Any = fresh(made, 1).module
        hidden = module(reading_of(examples, "cpu"), dtype)
        weight, bias = module.output_layer()
        assert hidden.shape == (*examples.targets.shape, 64) and hidden.dtype == dtype and torch.isfinite(hidden).all()
        assert weight.shape == (made.get_text_config().vocab_size, 64) and (bias is None or bias.shape == weight.shape[:1])


@pytest.mark.parametrize("kind", FAMILIES)
def test_one_batch_is_learned_by_heart(kind: str) -> None:
    assert loss_of_a_batch_read_often(shape(kind, hidden_size=32), *asked(kind)) < 0.05


@pytest.mark.parametrize("kind", FAMILIES)
def test_on_real_text_it_predicts_bytes_far_better_than_their_frequencies_do(kind: str) -> None:
    _, _, fields, num_steps, rate = FAMILIES[kind]
    found, unigram = losses_on_unseen_rows(shape(kind), *asked(kind, **fields), num_steps, rate)
    assert found < unigram - 0.3
