"""The stack of ModernBERT (Warner et al. 2024, arXiv 2412.13663).

A pre-normalised encoder whose tokens see all of their document in some blocks and those near them in the others, with rotary positions, GeGLU
(Shazeer 2020, arXiv 2002.05202) and no bias but the output's. Positions are relative, so that documents packed into a row need no positions of their
own. Shape letters: B rows, T positions, D width, G heads, K width of a head.
"""

import math
from typing import NamedTuple

import torch
from torch import nn

from kernels.models.blocks import positions
from kernels.models.blocks.attention import attend
from kernels.models.blocks.block_masks import Seen, seen_by
from kernels.models.blocks.linear import LayerNorm, Linear
from kernels.models.blocks.nearby import attend_nearby, seen_nearby
from kernels.models.reading import Reading


class EncoderShape(NamedTuple):
    """Sizes of a stack."""

    vocab_size: int
    width: int
    num_heads: int
    inner_width: int
    is_local: tuple[bool, ...]
    """Of each block, whether its tokens see those near them alone."""
    window: int
    """How far a token of a local block sees, on either side."""
    theta: float
    local_theta: float
    tied: bool
    eps: float


class Told(NamedTuple):
    """What blocks of one kind are told of where tokens stand and who sees whom."""

    cos: torch.Tensor
    sin: torch.Tensor
    mask: Seen


class Block(nn.Module):
    """Attention and feed-forward, each behind a norm and added to what passes by; the first block's attention reads the embedding's norm."""

    def __init__(self, shape: EncoderShape, index: int) -> None:
        """Allocate the parameters."""
        super().__init__()
        self.num_heads = shape.num_heads
        self.window = shape.window if shape.is_local[index] else None
        self.attention_norm = LayerNorm(shape.width, shape.eps, bias=False) if index else nn.Identity()
        self.qkv = Linear(shape.width, 3 * shape.width)
        self.out = Linear(shape.width, shape.width)
        self.feed_forward_norm = LayerNorm(shape.width, shape.eps, bias=False)
        self.gate_up = Linear(shape.width, 2 * shape.inner_width)
        self.down = Linear(shape.inner_width, shape.width)

    def forward(self, x_BTD: torch.Tensor, told: Told) -> torch.Tensor:
        """Return [B, T, D]."""
        x_BTD = x_BTD + self.out(self._seen(self.attention_norm(x_BTD), told))
        gate, up = self.gate_up(self.feed_forward_norm(x_BTD)).chunk(2, -1)
        return x_BTD + self.down((nn.functional.gelu(gate.float()) * up.float()).to(x_BTD.dtype))

    def _seen(self, x_BTD: torch.Tensor, told: Told) -> torch.Tensor:
        joined = self.qkv(x_BTD)
        rows, length, width = joined.shape
        head_width = width // (3 * self.num_heads)
        q, k, v = joined.view(rows, length, 3, self.num_heads, head_width).permute(2, 0, 3, 1, 4).unbind(0)
        q = (positions.rotate(q, told.cos, told.sin) * head_width**-0.5).to(v.dtype)[:, :, None]
        k = positions.rotate(k, told.cos, told.sin).to(v.dtype)
        seen = attend(q, k, v, told.mask) if self.window is None else attend_nearby(q, k, v, told.mask, self.window)
        return seen[:, :, 0].transpose(1, 2).flatten(2)


class Encoder(nn.Module):
    """Embedding, blocks, and the transform of what is predicted from; its output layer has a bias."""

    def __init__(self, shape: EncoderShape) -> None:
        """Allocate the parameters; `initialise` fills them."""
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.empty(shape.vocab_size, shape.width))
        self.embedding_norm = LayerNorm(shape.width, shape.eps, bias=False)
        self.blocks = nn.ModuleList(Block(shape, index) for index in range(len(shape.is_local)))
        self.norm = LayerNorm(shape.width, shape.eps, bias=False)
        self.transform = Linear(shape.width, shape.width)
        self.transform_norm = LayerNorm(shape.width, shape.eps, bias=False)
        self.output_embedding = None if shape.tied else nn.Parameter(torch.empty(shape.vocab_size, shape.width))
        self.output_bias = nn.Parameter(torch.zeros(shape.vocab_size))

    def forward(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return what tokens are predicted from, [B, T, D], computed in a type."""
        x = self.enter(reading, dtype)
        for block, told in zip(self.blocks, self.tell(reading, dtype), strict=True):
            x = block(x, told)
        return self.leave(x, dtype)

    def enter(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return what the first block reads, [B, T, D]."""
        return self.embedding_norm(nn.functional.embedding(reading.tokens_BT, self.embedding)).to(dtype)

    def tell(self, reading: Reading, _: torch.dtype) -> list[Told]:
        """Return what each block is told."""
        told = {is_local: self.told_once(reading, is_local=is_local) for is_local in sorted(set(self.shape.is_local))}
        return [told[is_local] for is_local in self.shape.is_local]

    def leave(self, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return what tokens are predicted from, [B, T, D], of what the last block gives."""
        x = self.transform(self.norm(x))
        return self.transform_norm(nn.functional.gelu(x.float()).to(dtype))

    def output_layer(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight [V, D] and bias [V] of the output layer."""
        return (self.embedding if self.output_embedding is None else self.output_embedding), self.output_bias

    def told_once(self, reading: Reading, *, is_local: bool) -> Told:
        """Return what blocks of one kind are told."""
        shape = self.shape
        length, device = reading.tokens_BT.shape[1], reading.tokens_BT.device
        head_width = shape.width // shape.num_heads
        cos, sin = positions.rotary(length, head_width, shape.local_theta if is_local else shape.theta, device)
        seen = seen_nearby(reading, shape.window, head_width) if is_local else seen_by(reading, "bidirectional", head_width)
        return Told(cos, sin, seen)

    def initialise(self, generator: torch.Generator, std: float) -> None:
        """Draw matrices and embeddings from a normal distribution; norms stay the identity, the output's bias 0.

        It is narrower, by the root of twice the number of blocks, where what a matrix gives is added to what passes by (Shoeybi et al. 2019,
        arXiv 1909.08053, as ModernBERT does).
        """
        narrow = std / math.sqrt(2 * len(self.shape.is_local))
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if parameter.ndim == 2:
                    parameter.normal_(0, narrow if name.endswith((".out.weight", ".down.weight")) else std, generator=generator)
