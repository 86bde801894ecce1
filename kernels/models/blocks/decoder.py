"""A pre-normalised stack with SwiGLU (Shazeer 2020, arXiv 2002.05202) and grouped-query attention, with any positions: the Llama block.

Projections that read the same are one matrix: queries, keys and values; gate and up. Blocks stand in a list, which can be compiled a block, wrapped
or cut. Shape letters: B rows, T positions, D width, G key heads, R query heads a key head, K width of a head.
"""

from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from kernels.models.blocks import positions
from kernels.models.blocks.attention import attend
from kernels.models.blocks.block_masks import Seen, seen_by
from kernels.models.blocks.linear import Linear, RmsNorm
from kernels.models.reading import MASKED, Reading, mask_of, positions_of

Positions = Literal["rope", "alibi", "t5", "learned", "sinusoidal"]
T5_BUCKETS, T5_DISTANCE = 32, 128
"""Buckets and farthest distance of T5's bias (Raffel et al. 2020)."""


class DecoderShape(NamedTuple):
    """Sizes of a stack."""

    vocab_size: int
    width: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_width: int
    inner_width: int
    max_positions: int
    tied: bool
    positions: Positions
    theta: float
    eps: float
    attention: Literal["causal", "prefix"]


class Told(NamedTuple):
    """What blocks are told of where tokens stand and who sees whom."""

    cos: torch.Tensor | None
    sin: torch.Tensor | None
    mask: Seen | None
    bias: torch.Tensor | None


class Block(nn.Module):
    """Attention and feed-forward, each behind a norm and added to what passes by."""

    def __init__(self, shape: DecoderShape) -> None:
        """Allocate the parameters."""
        super().__init__()
        self.shape = shape
        inside = shape.num_heads * shape.head_width
        self.attention_norm = RmsNorm(shape.width, shape.eps)
        self.qkv = Linear(shape.width, inside + 2 * shape.num_kv_heads * shape.head_width)
        self.out = Linear(inside, shape.width)
        self.feed_forward_norm = RmsNorm(shape.width, shape.eps)
        self.gate_up = Linear(shape.width, 2 * shape.inner_width)
        self.down = Linear(shape.inner_width, shape.width)

    def forward(self, x_BTD: torch.Tensor, told: Told) -> torch.Tensor:
        """Return [B, T, D]."""
        q, k, v = self.heads(x_BTD, told)
        return self.behind(x_BTD, attend(q, k, v, told.mask, told.bias, causal=self.shape.attention == "causal"))

    def heads(self, x_BTD: torch.Tensor, told: Told) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return queries [B, G, R, T, K], scaled, and keys and values [B, G, T, K]."""
        shape = self.shape
        groups, repeats = shape.num_kv_heads, shape.num_heads // shape.num_kv_heads
        joined = self.qkv(self.attention_norm(x_BTD))
        rows, length, _ = joined.shape
        joined = joined.view(rows, length, shape.num_heads + 2 * groups, shape.head_width).transpose(1, 2)
        q, k, v = joined.split([shape.num_heads, groups, groups], 1)
        if told.cos is not None and told.sin is not None:
            q, k = positions.rotate(q, told.cos, told.sin), positions.rotate(k, told.cos, told.sin).to(v.dtype)
        q = (q.float() * shape.head_width**-0.5).to(v.dtype)
        return q.reshape(rows, groups, repeats, length, shape.head_width), k, v

    def behind(self, x_BTD: torch.Tensor, seen_BGRTK: torch.Tensor) -> torch.Tensor:
        """Return what leaves the block, given what its heads saw."""
        seen = seen_BGRTK.flatten(1, 2).transpose(1, 2).flatten(2)
        x_BTD = x_BTD + self.out(seen)
        gate, up = self.gate_up(self.feed_forward_norm(x_BTD)).chunk(2, -1)
        return x_BTD + self.down((nn.functional.silu(gate.float()) * up.float()).to(x_BTD.dtype))


class Decoder(nn.Module):
    """Embedding, blocks, norm and output layer."""

    def __init__(self, shape: DecoderShape) -> None:
        """Allocate the parameters; `initialise` fills them."""
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.empty(shape.vocab_size, shape.width))
        self.position_embedding = nn.Parameter(torch.empty(shape.max_positions, shape.width)) if shape.positions == "learned" else None
        self.relative_embedding = (
            positions.RelativeBias(shape.num_heads, T5_BUCKETS, T5_DISTANCE, both_ways=shape.attention == "prefix")
            if shape.positions == "t5"
            else None
        )
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.num_layers))
        self.norm = RmsNorm(shape.width, shape.eps)
        self.output_embedding = None if shape.tied else nn.Parameter(torch.empty(shape.vocab_size, shape.width))

    def forward(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return the last hidden states, [B, T, D], computed in a type."""
        return self.read(self.enter(reading, dtype), reading, dtype)

    def read(self, x: torch.Tensor, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return the last hidden states, [B, T, D], of what the first block reads, [B, T, D]."""
        for block, told in zip(self.blocks, self.tell(reading, dtype), strict=True):
            x = block(x, told)
        return self.leave(x, dtype)

    def enter(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return what the first block reads, [B, T, D]."""
        return self.embedded(reading.tokens_BT, positions_of(reading.segments_BT), dtype)

    def tell(self, reading: Reading, _: torch.dtype) -> list[Told]:
        """Return what each block is told."""
        shape = self.shape
        seen = mask_of(reading, shape.attention) if shape.positions == "t5" else seen_by(reading, shape.attention, shape.head_width)
        return [self.told(reading.tokens_BT.shape[1], reading.tokens_BT.device, seen)] * len(self.blocks)

    def leave(self, x: torch.Tensor, _: torch.dtype) -> torch.Tensor:
        """Return the last hidden states, [B, T, D], of what the last block gives."""
        return self.norm(x)

    def output_layer(self) -> tuple[torch.Tensor, None]:
        """Return the weight of the output layer, [V, D]; it has no bias."""
        return (self.embedding if self.output_embedding is None else self.output_embedding), None

    def looked_up(self, tokens_BT: torch.Tensor) -> torch.Tensor:
        """Return the rows of the embedding, [B, T, D]."""
        return nn.functional.embedding(tokens_BT, self.embedding)

    def embedded(self, tokens_BT: torch.Tensor, positions_BT: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return what the first block reads."""
        x = self.looked_up(tokens_BT)
        if self.position_embedding is not None:
            x = x + nn.functional.embedding(positions_BT, self.position_embedding)
        if self.shape.positions == "sinusoidal":
            x = x + positions.sinusoidal(positions_BT, self.shape.width)
        return x.to(dtype)

    def told(self, length: int, device: torch.device, mask: Seen | None, num_before: int = 0) -> Told:
        """Return what blocks are told: of ``length`` tokens that stand behind ``num_before`` others in each row."""
        shape = self.shape
        cos = sin = bias = None
        if shape.positions == "rope":
            cos, sin = positions.rotary(length, shape.head_width, shape.theta, device, num_before)
        elif shape.positions == "alibi":
            bias = positions.alibi(shape.num_heads, length, num_before + length, device)
        elif self.relative_embedding is not None:
            bias = self.relative_embedding(length, num_before + length)
        if bias is not None:
            bias = bias.view(shape.num_kv_heads, -1, length, num_before + length)
        return Told(cos, sin, mask, bias)

    def initialise(self, generator: torch.Generator, std: float) -> None:
        """Draw the weights of matrices and embeddings from a normal distribution; norms stay the identity."""
        with torch.no_grad():
            for parameter in self.parameters():
                if parameter.ndim == 2:
                    parameter.normal_(0, std, generator=generator)


class Cache(NamedTuple):
    """Keys and values of each block for what was read, [B, G, S, K] each, and which of it is no padding, [B, S]."""

    blocks: list[tuple[torch.Tensor, torch.Tensor]]
    seen_BS: torch.Tensor


def read_on(
    model: Decoder, tokens_BT: torch.Tensor, seen_BS: torch.Tensor, cache: Cache | None, dtype: torch.dtype, prefix_BT: torch.Tensor | None = None
) -> tuple[torch.Tensor, Cache]:
    """Return the last hidden states [B, T, D] of tokens behind what a cache holds, and the cache with them.

    Rows may be padded on the left: positions count what is no padding.

    Args:
        model: the stack.
        tokens_BT: what is read now.
        seen_BS: over all S = cached + T tokens, which are no padding.
        cache: None at the beginning.
        dtype: to compute in.
        prefix_BT: where a model of prefixes reads its first tokens, those that all see each other; None takes all of them.
    """
    num_before = 0 if cache is None else cache.seen_BS.shape[1]
    rows, length = tokens_BT.shape
    positions_BS = (seen_BS.long().cumsum(1) - 1).clamp(min=0)
    x = model.embedded(tokens_BT, positions_BS[:, num_before:].clamp(max=model.shape.max_positions - 1), dtype)
    may_BTS = seen_BS[:, None, :].bool().expand(rows, length, -1)
    before_TS = torch.ones(length, num_before + length, dtype=torch.bool, device=x.device).tril(num_before)
    if cache is not None or model.shape.attention == "causal":
        may_BTS = may_BTS & before_TS
    elif prefix_BT is not None:
        may_BTS = may_BTS & (before_TS | prefix_BT[:, None, :])
    told = model.told(length, x.device, torch.where(may_BTS, 0.0, MASKED)[:, None].float(), num_before)
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    for index, block in enumerate(model.blocks):
        found: Any = block
        q, k, v = found.heads(x, told)
        if cache is not None:
            k, v = torch.cat([cache.blocks[index][0], k], 2), torch.cat([cache.blocks[index][1], v], 2)
        kept.append((k, v))
        x = found.behind(x, attend(q, k, v, told.mask, told.bias))
    return model.norm(x), Cache(kept, seen_BS)
