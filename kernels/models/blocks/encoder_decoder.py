"""The stacks of T5 (Raffel et al. 2020, arXiv 1910.10683): an encoder, and a decoder that looks at what it read.

The feed-forward is gated (Shazeer 2020, arXiv 2002.05202) as in version 1.1, or a ReLU as in version 1.0. Scores are not scaled; a bias by distance,
one a stack, is added to those of a stack at itself, so that documents packed into a row need no positions of their own. Projections that read the
same are one matrix. Shape letters: B rows, T positions of the encoder, U of the decoder, D width, G heads, K width of a head.
"""

from typing import NamedTuple

import torch
from torch import nn

from kernels.models.blocks.attention import attend
from kernels.models.blocks.linear import Linear, RmsNorm
from kernels.models.blocks.positions import RelativeBias
from kernels.models.reading import Reading, decoder_masks, mask_of


class StacksShape(NamedTuple):
    """Sizes of both stacks."""

    vocab_size: int
    width: int
    num_encoder_layers: int
    num_decoder_layers: int
    num_heads: int
    head_width: int
    inner_width: int
    num_buckets: int
    max_distance: int
    gated: bool
    """Whether the feed-forward is a gated GELU; else it is a ReLU."""
    tied: bool
    """Whether input and output embeddings are one matrix: what is predicted from is scaled down then."""
    eps: float


class FeedForward(nn.Module):
    """The second half of a block, behind a norm and added to what passes by."""

    def __init__(self, shape: StacksShape) -> None:
        """Allocate the parameters."""
        super().__init__()
        self.gated = shape.gated
        self.norm = RmsNorm(shape.width, shape.eps)
        self.up = Linear(shape.width, (1 + shape.gated) * shape.inner_width)
        self.down = Linear(shape.inner_width, shape.width)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """Return [B, T, D]."""
        inside = self.up(self.norm(x_BTD))
        if self.gated:
            gate, up = inside.chunk(2, -1)
            inside = (nn.functional.gelu(gate.float(), approximate="tanh") * up.float()).to(x_BTD.dtype)
        else:
            inside = nn.functional.relu(inside)
        return x_BTD + self.down(inside)


class SelfAttention(nn.Module):
    """Attention of a stack at itself, behind a norm and added to what passes by."""

    def __init__(self, shape: StacksShape, *, causal: bool) -> None:
        """Allocate the parameters."""
        super().__init__()
        self.num_heads, self.causal = shape.num_heads, causal
        self.norm = RmsNorm(shape.width, shape.eps)
        self.qkv = Linear(shape.width, 3 * shape.num_heads * shape.head_width)
        self.out = Linear(shape.num_heads * shape.head_width, shape.width)

    def forward(self, x_BTD: torch.Tensor, mask_BTT: torch.Tensor, bias_GTT: torch.Tensor) -> torch.Tensor:
        """Return [B, T, D]."""
        q, k, v = _heads(self.qkv(self.norm(x_BTD)), 3, self.num_heads)
        seen = attend(q[:, :, None], k, v, mask_BTT, bias_GTT[:, None], causal=self.causal)
        return x_BTD + self.out(_joined(seen))


class CrossAttention(nn.Module):
    """Attention of the decoder at what the encoder read, behind a norm and added to what passes by."""

    def __init__(self, shape: StacksShape) -> None:
        """Allocate the parameters."""
        super().__init__()
        inside = shape.num_heads * shape.head_width
        self.num_heads = shape.num_heads
        self.norm = RmsNorm(shape.width, shape.eps)
        self.query = Linear(shape.width, inside)
        self.key_value = Linear(shape.width, 2 * inside)
        self.out = Linear(inside, shape.width)

    def forward(self, y_BUD: torch.Tensor, read_BTD: torch.Tensor, mask_BUT: torch.Tensor) -> torch.Tensor:
        """Return [B, U, D]."""
        (q,) = _heads(self.query(self.norm(y_BUD)), 1, self.num_heads)
        k, v = _heads(self.key_value(read_BTD), 2, self.num_heads)
        return y_BUD + self.out(_joined(attend(q[:, :, None], k, v, mask_BUT)))


def _heads(x_BTD: torch.Tensor, parts: int, num_heads: int) -> tuple[torch.Tensor, ...]:
    """Return as many parts of [B, G, T, K]."""
    rows, length, width = x_BTD.shape
    return x_BTD.view(rows, length, parts, num_heads, width // (parts * num_heads)).permute(2, 0, 3, 1, 4).unbind(0)


def _joined(seen_BGRTK: torch.Tensor) -> torch.Tensor:
    return seen_BGRTK[:, :, 0].transpose(1, 2).flatten(2)


class EncoderBlock(nn.Module):
    """Attention and feed-forward."""

    def __init__(self, shape: StacksShape) -> None:
        """Allocate the parameters."""
        super().__init__()
        self.attention = SelfAttention(shape, causal=False)
        self.feed_forward = FeedForward(shape)

    def forward(self, x_BTD: torch.Tensor, mask_BTT: torch.Tensor, bias_GTT: torch.Tensor) -> torch.Tensor:
        """Return [B, T, D]."""
        return self.feed_forward(self.attention(x_BTD, mask_BTT, bias_GTT))


class Told(NamedTuple):
    """What blocks of the decoder are told of who sees whom."""

    mask_BUU: torch.Tensor
    bias_GUU: torch.Tensor
    cross_mask_BUT: torch.Tensor


class DecoderBlock(nn.Module):
    """Attention to what was written, to what was read, and feed-forward."""

    def __init__(self, shape: StacksShape) -> None:
        """Allocate the parameters."""
        super().__init__()
        self.attention = SelfAttention(shape, causal=True)
        self.cross_attention = CrossAttention(shape)
        self.feed_forward = FeedForward(shape)

    def forward(self, y_BUD: torch.Tensor, read_BTD: torch.Tensor, told: Told) -> torch.Tensor:
        """Return [B, U, D]."""
        y_BUD = self.attention(y_BUD, told.mask_BUU, told.bias_GUU)
        return self.feed_forward(self.cross_attention(y_BUD, read_BTD, told.cross_mask_BUT))


class EncoderDecoder(nn.Module):
    """Embedding, both stacks, norms and output layer."""

    def __init__(self, shape: StacksShape) -> None:
        """Allocate the parameters; `initialise` fills them."""
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.empty(shape.vocab_size, shape.width))
        self.encoder_relative_embedding = RelativeBias(shape.num_heads, shape.num_buckets, shape.max_distance, both_ways=True)
        self.decoder_relative_embedding = RelativeBias(shape.num_heads, shape.num_buckets, shape.max_distance, both_ways=False)
        encoder = [EncoderBlock(shape) for _ in range(shape.num_encoder_layers)]
        self.blocks = nn.ModuleList([*encoder, *(DecoderBlock(shape) for _ in range(shape.num_decoder_layers))])
        self.encoder_norm = RmsNorm(shape.width, shape.eps)
        self.decoder_norm = RmsNorm(shape.width, shape.eps)
        self.output_embedding = None if shape.tied else nn.Parameter(torch.empty(shape.vocab_size, shape.width))

    def forward(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return the decoder's last hidden states, [B, U, D], computed in a type.

        Raises:
            ValueError: the reading has nothing for the decoder.
        """
        if reading.decoder_tokens_BU is None:
            raise ValueError("an encoder-decoder reads tokens of a decoder beside the encoder's; take an objective of encoder-decoders")
        read = self._read(reading, dtype)
        y = nn.functional.embedding(reading.decoder_tokens_BU, self.embedding).to(dtype)
        length = y.shape[1]
        mask, cross_mask = decoder_masks(reading)
        told = Told(mask, self.decoder_relative_embedding(length, length), cross_mask)
        for index in range(self.shape.num_encoder_layers, len(self.blocks)):
            y = self.blocks[index](y, read, told)
        y = self.decoder_norm(y)
        return y * self.shape.width**-0.5 if self.shape.tied else y

    def _read(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return what the encoder makes of its tokens, [B, T, D]."""
        x = nn.functional.embedding(reading.tokens_BT, self.embedding).to(dtype)
        length = x.shape[1]
        mask, bias = mask_of(reading, "encoder_decoder"), self.encoder_relative_embedding(length, length)
        for index in range(self.shape.num_encoder_layers):
            x = self.blocks[index](x, mask, bias)
        return self.encoder_norm(x)

    def output_layer(self) -> tuple[torch.Tensor, None]:
        """Return the weight of the output layer, [V, D]; it has no bias."""
        return (self.embedding if self.output_embedding is None else self.output_embedding), None

    def initialise(self, generator: torch.Generator, _: float) -> None:
        """Draw weights from normal distributions as T5 does; norms stay the identity.

        Embeddings have a standard deviation of 1, matrices the inverse root of the width that they read, and those of queries are narrower by
        the scaling that scores do without.
        """
        inside, narrow = self.shape.num_heads * self.shape.head_width, self.shape.head_width**-0.5
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name.endswith("relative_embedding.weight"):
                    parameter.normal_(0, self.shape.width**-0.5, generator=generator)
                elif parameter.ndim == 2:
                    parameter.normal_(0, 1.0 if name == "embedding" else parameter.shape[1] ** -0.5, generator=generator)
                if name.endswith((".qkv.weight", ".query.weight")):
                    parameter[:inside] *= narrow
