"""Decoders as the papers define them, written out head by head and token by token in float64: ours give the same logits, packed as they train."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from kernels.models.architectures import llama, prefix_decoder
from kernels.models.blocks.positions import alibi_slopes
from kernels.models.reading import Reading
from tests.small_models import shaken

VOCABULARY = 61
POSITIONS = ["rope", "alibi", "t5", "learned", "sinusoidal"]
LENGTHS = (140, 31)
"""Of the documents of a row; the first is longer than what T5's bias tells apart."""
PREFIX = 23
"""Tokens of each document that all see each other, where a model reads prefixes."""

Plain = Callable[[int, int, int], float]


def model_of(positions: str, attention: str, num_heads: int) -> Any:
    spec, kind = (llama, "llama") if attention == "causal" else (prefix_decoder, "prefix_decoder")
    sizes = {"hidden_size": 8 * num_heads, "num_layers": 2, "num_heads": num_heads, "num_kv_heads": 2, "intermediate_size": 24}
    sizes |= {"max_position_embeddings": 160, "tie_embeddings": False, "positions": positions, "rope_theta": 500.0}
    made = spec.build(spec.SPEC.config.model_validate({"kind": kind, **sizes}), vocab_size=VOCABULARY, eos_token_id=1, pad_token_id=0)  # pyright: ignore[reportArgumentType]
    return shaken(made).module


def sinusoids(length: int, width: int) -> torch.Tensor:
    """Vaswani et al. 2017, section 3.5: the wavelengths form a geometric progression from 2 pi to 10000 * 2 pi; sines stand before cosines."""
    angles = np.arange(length)[:, None] * 2 * math.pi / np.geomspace(2 * math.pi, 10_000 * 2 * math.pi, width // 2)
    return torch.from_numpy(np.concatenate([np.sin(angles), np.cos(angles)], 1))


def turned(head_TK: torch.Tensor, theta: float) -> torch.Tensor:
    """Su et al. 2021, section 3.4.2: pair k of a head at position m is turned by m * theta^(-2k / width); halves of the head make pairs."""
    length, width = head_TK.shape
    pairs = torch.complex(head_TK[:, : width // 2], head_TK[:, width // 2 :])
    speeds = torch.tensor([theta ** (-2 * pair / width) for pair in range(width // 2)], dtype=torch.float64)
    found = pairs * torch.exp(1j * torch.arange(length)[:, None] * speeds)
    return torch.cat([found.real, found.imag], 1)


def slope(head: int, num_heads: int) -> float:
    """Press et al. 2022, section 3 and their code: powers of 2^(-8/n); where n is no power of two, those of the power below, then every second of
    those of the power above."""
    below = 1 << (num_heads.bit_length() - 1)
    return 2.0 ** (-8 * (head + 1) / below) if head < below else 2.0 ** (-8 * (2 * (head - below) + 1) / (2 * below))


def bias_of(model: Any, num_heads: int) -> Plain:
    """What is added to the score of a query at a key, by head and both positions."""
    shape = model.shape
    if shape.positions == "alibi":
        return lambda head, query, key: -slope(head, num_heads) * max(0, query - key)
    if shape.positions == "t5":
        from transformers.models.t5.modeling_t5 import T5Attention

        of: Any = T5Attention
        far = torch.arange(-200, 201)
        buckets = of._relative_position_bucket(far, bidirectional=shape.attention == "prefix", num_buckets=32, max_distance=128)
        table = model.relative_embedding.weight.double()[buckets]
        return lambda head, query, key: float(table[key - query + 200, head])
    return lambda head, query, key: 0.0


def normed(x_TD: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Zhang and Sennrich 2019."""
    return x_TD / (x_TD.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weight.double()


def attended(model: Any, block: Any, x_TD: torch.Tensor) -> torch.Tensor:
    """What all heads see of a document, side by side, [T, heads * width]."""
    shape, width = model.shape, model.shape.head_width
    joined = normed(x_TD, block.attention_norm.weight) @ block.qkv.weight.double().t()
    heads = list(joined.split(width, 1))
    queries, rest = heads[: shape.num_heads], heads[shape.num_heads :]
    keys, values = rest[: shape.num_kv_heads], rest[shape.num_kv_heads :]
    if shape.positions == "rope":
        queries, keys = ([turned(head, shape.theta) for head in group] for group in (queries, keys))
    bias, seen = bias_of(model, shape.num_heads), torch.zeros(len(x_TD), shape.num_heads * width, dtype=torch.float64)
    for head, query in enumerate(queries):
        key, value = (group[head * shape.num_kv_heads // shape.num_heads] for group in (keys, values))
        for place in range(len(x_TD)):
            last = max(place, PREFIX - 1) if shape.attention == "prefix" and place < PREFIX else place
            added = torch.tensor([bias(head, place, other) for other in range(last + 1)], dtype=torch.float64)
            shares = torch.softmax(key[: last + 1] @ query[place] / math.sqrt(width) + added, 0)
            seen[place, head * width : (head + 1) * width] = shares @ value[: last + 1]
    return seen


def plain_logits(model: Any, tokens_T: torch.Tensor) -> torch.Tensor:
    """The logits of a document alone."""
    x = model.embedding.double()[tokens_T]
    if model.shape.positions == "learned":
        x = x + model.position_embedding.double()[: len(tokens_T)]
    if model.shape.positions == "sinusoidal":
        x = x + sinusoids(len(tokens_T), model.shape.width)
    for block in model.blocks:
        x = x + attended(model, block, x) @ block.out.weight.double().t()
        gate, up = (normed(x, block.feed_forward_norm.weight) @ block.gate_up.weight.double().t()).chunk(2, -1)
        x = x + (gate * torch.sigmoid(gate) * up) @ block.down.weight.double().t()
    return normed(x, model.norm.weight) @ model.output_layer()[0].double().t()


@pytest.mark.parametrize(
    ("positions", "attention", "num_heads"), [(name, kind, 4) for name in POSITIONS for kind in ("causal", "prefix")] + [("alibi", "causal", 6)]
)
def test_documents_of_a_row_have_the_logits_of_the_papers_definition(positions: str, attention: str, num_heads: int) -> None:
    model = model_of(positions, attention, num_heads)
    tokens = torch.randint(2, VOCABULARY, (1, sum(LENGTHS)), generator=torch.Generator().manual_seed(5))
    segments = torch.repeat_interleave(torch.arange(2), torch.tensor(LENGTHS))[None]
    prefix = torch.cat([torch.arange(length) < PREFIX for length in LENGTHS])[None]
    with torch.no_grad():
        found = model(Reading(tokens, segments, prefix), torch.float32)[0] @ model.output_layer()[0].t()
        expected = torch.cat([plain_logits(model, document) for document in tokens[0].split(LENGTHS)])
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_heads", [1, 2, 3, 4, 6, 8, 12, 16])
def test_alibis_slopes_are_those_of_bloom(num_heads: int) -> None:
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    by_key: Any = build_alibi_tensor(torch.ones(1, 3), num_heads, torch.float32)
    assert alibi_slopes(num_heads) == pytest.approx((by_key[:, 0, 2] - by_key[:, 0, 1]).tolist(), rel=1e-6)
