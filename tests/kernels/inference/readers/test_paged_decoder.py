"""Tokens that pass in pieces, beside other sequences, from pages in any order, are answered as whole texts are by the module that learned."""

import random
from typing import Any

import pytest
import torch

from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.models.blocks.decoder import Decoder, DecoderShape
from kernels.models.reading import Reading
from tests.kernels.inference.readers.pieces import assert_read_as_whole

VOCABULARY, NUM_PAGES = 64, 24
KINDS: dict[str, dict[str, Any]] = {
    "rope": {},
    "alibi": {"positions": "alibi"},
    "t5": {"positions": "t5"},
    "learned": {"positions": "learned"},
    "sinusoidal": {"positions": "sinusoidal"},
    "apart": {"tied": False, "num_kv_heads": 4},
    "prefix": {"attention": "prefix"},
    "prefix, t5": {"attention": "prefix", "positions": "t5"},
}


def made(**changes: Any) -> Decoder:
    values: dict[str, Any] = {"vocab_size": VOCABULARY, "width": 32, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2, "head_width": 8}
    values |= {"inner_width": 48, "max_positions": 96, "tied": True, "positions": "rope", "theta": 1e4, "eps": 1e-6, "attention": "causal"}
    module = Decoder(DecoderShape(**{**values, **changes})).eval()
    module.initialise(torch.Generator().manual_seed(0), 0.3)
    return module


def whole(module: Decoder, tokens: list[int], num_prefix: int) -> torch.Tensor:
    rows = torch.tensor([tokens])
    with torch.no_grad():
        hidden = module(Reading(rows, torch.zeros_like(rows), torch.arange(len(tokens))[None] < num_prefix), torch.float32)
        return (hidden @ module.output_layer()[0].T)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_of_several_sequences_are_answered_as_whole_texts_are(kind: str) -> None:
    module, chance = made(**KINDS[kind]), random.Random(1)
    reader = PagedDecoder(module, NUM_PAGES, torch.float32)
    texts = [[chance.randrange(VOCABULARY) for _ in range(length)] for length in (5, 40, 23, 64)]
    given = [3, 17, 16, 30]
    expected = [whole(module, text, num) for text, num in zip(texts, given, strict=True)]

    def next_count(index: int, num_kept: int) -> int:
        return given[index] if num_kept == 0 else chance.choice((1, 1, min(len(texts[index]) - num_kept, 7)))

    assert_read_as_whole(reader, NUM_PAGES, texts, expected, next_count, chance, lambda count: range(chance.randrange(count), count))
