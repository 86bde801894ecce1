"""Decoders of Transformers that read in pages answer as they do by themselves."""

import random
from typing import Any

import pytest
import torch

from kernels.inference.cache.pages import PAGE
from kernels.inference.readers.paged_transformers import PagedTransformers
from kernels.inference.readers.reading import Stretch
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
    reader = PagedTransformers(model, NUM_PAGES)
    tables = chance.sample(range(NUM_PAGES), NUM_PAGES)
    pages = [[tables.pop() for _ in range(-(-len(text) // PAGE))] for text in texts]
    kept = [0] * len(texts)
    while any(num < len(text) for num, text in zip(kept, texts, strict=True)):
        stretches: list[Stretch] = []
        wanted: list[torch.Tensor] = []
        for index, text in enumerate(texts):
            left = len(text) - kept[index]
            if not left or chance.random() < 0.3:
                continue
            count = min(left, chance.choice((1, 1, 7, 12)))
            stretches.append(Stretch(text[kept[index] : kept[index] + count], kept[index], pages[index], range(count)))
            wanted.append(expected[index][kept[index] : kept[index] + count])
            kept[index] += count
        if stretches:
            torch.testing.assert_close(reader.read(stretches), torch.cat(wanted), rtol=1e-4, atol=1e-4)
