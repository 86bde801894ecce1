"""Next-token prediction: documents are kept apart."""

from typing import Any

import numpy as np
import pytest

from kernels.models.architectures import llama
from kernels.tokens.packing import PADDING_SEGMENT
from kernels.training.next_token import NextTokenConfig, _Rows, _validation_loss, batch_of

LENGTH = 16


def config(**changes: object) -> NextTokenConfig:
    values: dict[str, Any] = {"seed": 1, "num_steps": 12, "batch_size": 4, "learning_rate": 0.01, "warmup_steps": 2, "min_learning_rate_ratio": 0.1}
    values |= {"weight_decay": 0.1, "gradient_clip": 1.0, "precision": "float32", "validate_every": 5, "max_validation_sequences": 2}
    return NextTokenConfig.model_validate({**values, "checkpoint_every": 3, **changes})


def small_llama() -> Any:
    import torch
    from transformers import LlamaForCausalLM

    shape = llama.LlamaConfig(
        kind="llama", hidden_size=16, num_layers=1, num_heads=2, num_kv_heads=1, intermediate_size=32, max_position_embeddings=64, tie_embeddings=True
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(llama.build(shape, vocab_size=64, eos_token_id=0, pad_token_id=3))


def test_a_document_packed_behind_another_is_read_as_if_alone() -> None:
    import torch

    model = small_llama().eval()
    tokens = np.arange(10, 10 + LENGTH).astype(np.uint16)
    packed = batch_of(_Rows(tokens[None], np.repeat([0, 1], [6, LENGTH - 6])[None].astype(np.uint16)), [0], "cpu")
    alone = batch_of(_Rows(tokens[None, 6:], np.zeros((1, LENGTH - 6), np.uint16)), [0], "cpu")
    with torch.inference_mode():
        logits = [model(**{name: batch[name] for name in ("input_ids", "attention_mask", "position_ids")}).logits for batch in (packed, alone)]
    torch.testing.assert_close(logits[0][:, 6:], logits[1])


def test_the_validation_loss_is_over_tokens_however_they_are_batched() -> None:
    model = small_llama()
    segments = np.zeros((3, LENGTH), np.uint16)
    segments[2, 3:] = PADDING_SEGMENT
    rows = _Rows(np.random.default_rng(0).integers(4, 64, (3, LENGTH)).astype(np.uint16), segments)
    losses = [_validation_loss(model, rows, config(batch_size=size, max_validation_sequences=3), "cpu") for size in (1, 2, 3)]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


def test_no_token_is_predicted_across_documents_or_into_padding() -> None:
    segments = np.array([[0, 0, 0, 1, 1, PADDING_SEGMENT]], np.uint16)
    batch = batch_of(_Rows(np.arange(20, 26)[None].astype(np.uint16), segments), [0], "cpu")
    assert batch["labels"].tolist() == [[-100, 21, 22, -100, 24, -100]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 0]]
