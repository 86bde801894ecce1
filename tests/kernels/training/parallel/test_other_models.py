"""Models that are no plain stack of ours: of images, and those that learn by Transformers' own module."""

from typing import Any

import numpy as np
import pytest

from kernels.models.formats.fast import Trainable
from kernels.specs.layout import Layout, Rank
from kernels.training.execution.seeding import seed_step
from kernels.training.feeding.batches import Examples
from kernels.training.feeding.feed import batch_of
from kernels.training.learner import Learner, Setting, clip
from kernels.training.parallel.team import join
from tests.kernels.training.test_gpu import batch, made
from tests.processes import on_processes

LENGTH = 32


def of_transformers(kind: str) -> Trainable:
    """A model of a family that has no module of ours."""
    import torch
    from transformers import Gemma2Config, Gemma2ForCausalLM, GPT2Config, GPT2LMHeadModel, Qwen2Config, Qwen2ForCausalLM

    from kernels.models.formats.fast import taken

    sizes: dict[str, Any] = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    sizes |= {"intermediate_size": 48, "max_position_embeddings": 64}
    torch.manual_seed(0)
    if kind == "gemma2":
        return taken(Gemma2ForCausalLM(Gemma2Config(**sizes, head_dim=8, sliding_window=64, attn_implementation="eager")))
    if kind == "gpt2":
        return taken(GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=64)))
    return taken(Qwen2ForCausalLM(Qwen2Config(**sizes, tie_word_embeddings=True, attention_dropout=0.2 if kind == "qwen2 that drops" else 0.0)))


def rows(kind: str) -> Examples:
    if kind == "llava":
        return batch("llava", length=256).parts[0]
    tokens = np.random.default_rng(1).integers(4, 64, (4, LENGTH))
    return Examples(tokens, np.zeros_like(tokens, dtype=np.int32), np.roll(tokens, -1, 1), None, None, None, 0)


def losses(rank: Rank, kind: str) -> list[float]:
    """Return the loss and the gradient's norm of two steps that move nothing, and the summed loss without gradients between them."""
    team = join(rank, "cpu")
    learner = Learner(made("llava") if kind == "llava" else of_transformers(kind), Setting("cpu", "float32", False, 1e-3, "none"), team)
    part = rows(kind)
    mine = team.share.of(len(part.inputs_BT))
    own = part._replace(inputs_BT=part.inputs_BT[mine], segments_BT=part.segments_BT[mine], targets=part.targets[mine])
    own = own._replace(pixels=None if part.pixels is None else part.pixels[mine])
    found: list[float] = []
    for step in range(2):
        seed_step(1, step)
        found += [learner.gradients(team.of_all(batch_of([own]))), clip(learner.spread, 1e9, 1.0)]
        for shard in learner.spread.shards.values():
            shard.tensor.grad = None
        found += team.sums([learner.nats(own)])
    return found


@pytest.mark.parametrize("kind", ["llava", "qwen2", "gemma2", "gpt2", "qwen2 that drops"])
def test_they_have_the_losses_and_gradients_of_one_process(kind: str) -> None:
    (alone,) = on_processes(Layout(), losses, kind)
    drops = kind in ("gpt2", "qwen2 that drops")  # by the step's number: each step has another loss
    assert (alone[0] == pytest.approx(alone[3], rel=1e-5)) is not drops
    layouts = [Layout(processes=2), Layout(processes=2, zero=2), Layout(processes=2, zero=3)]
    layouts += [Layout(processes=2, back_end="accelerate"), Layout(processes=2, zero=3, back_end="accelerate")]
    for layout in [*layouts, *([Layout(processes=2, tensor=2)] if kind == "llava" else [])]:
        for found in on_processes(layout, losses, kind):
            assert found == pytest.approx(alone, rel=1e-5), layout


def refused(rank: Rank) -> str:
    with pytest.raises(ValueError) as error:
        losses(rank, "qwen2")
    return str(error.value)


@pytest.mark.parametrize("key", ["tensor", "context", "pipeline"])
def test_modules_of_transformers_are_neither_cut_nor_have_rows_parted_nor_are_put_in_a_pipeline(key: str) -> None:
    reasons = {"tensor": "the blocks of Wrapped cannot", "context": "tokens of Wrapped meet elsewhere", "pipeline": "Wrapped is not one stack"}
    for words in on_processes(Layout(processes=2, **{key: 2}), refused):  # pyright: ignore[reportArgumentType]
        assert words.startswith(f"{key}: {reasons[key]}") and "leave the key out" in words
