"""Decoders of Transformers that read in pages answer as they do by themselves."""

import random
from typing import Any

import pytest
import torch

from kernels.inference.readers.paged_transformers import PagedTransformers
from tests.kernels.inference.readers.pieces import assert_read_as_whole
from tests.kernels.models.blocks.test_wrapped import FAMILIES, SIZES, made

NUM_PAGES = 16
KINDS = {
    **{name: FAMILIES[name] for name in ("a window in every layer", "windows in some layers, eager attention, capped logits", "windows by a switch")},
    "learned positions": lambda: made("GPT2", vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=64, initializer_range=0.3),
    "norms of heads": lambda: made("Qwen3", **SIZES, head_dim=8),
    "half of a head turned": lambda: made("GPTNeoX", **{**SIZES, "num_key_value_heads": 4}),
    "a Llama with biases": lambda: made("Llama", **SIZES, attention_bias=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_of_several_sequences_are_answered_as_whole_texts_are(kind: str) -> None:
    chance = random.Random(1)
    texts = [[chance.randrange(3, 64) for _ in range(length)] for length in (5, 40, 23)]
    model: Any = KINDS[kind]()
    with torch.no_grad():
        expected = [model(torch.tensor([text])).logits[0] for text in texts]

    def next_count(index: int, num_kept: int) -> int:
        return min(len(texts[index]) - num_kept, chance.choice((1, 1, 7, 12)))

    assert_read_as_whole(PagedTransformers(model, NUM_PAGES), NUM_PAGES, texts, expected, next_count, chance)
