"""A vision transformer (Dosovitskiy et al. 2020, arXiv 2010.11929) in the form of CLIP's tower (Radford et al. 2021, arXiv 2103.00020).

A class token stands before the patches, positions are learned, and a norm comes before the first block. Queries, keys and values are one matrix.
Shape letters: I images, N patches, S = N + 1 positions, D width, H heads, K width of a head.
"""

from typing import NamedTuple

import torch
from torch import nn

from kernels.models.blocks.attention import attend
from kernels.models.blocks.linear import LayerNorm, Linear

NUM_CHANNELS = 3
POSITION_STD = 0.5
"""Of what is drawn for positions, beside patches of normalised pixels, which come to about 1."""
QUICK_GELU = 1.702
"""CLIP's activation is ``x * sigmoid(1.702 x)`` (Hendrycks and Gimpel 2016, arXiv 1606.08415)."""


class VisionShape(NamedTuple):
    """Sizes of a tower."""

    image_size: int
    patch_size: int
    width: int
    num_layers: int
    num_heads: int
    inner_width: int
    eps: float

    @property
    def num_patches(self) -> int:
        """Patches of an image."""
        return (self.image_size // self.patch_size) ** 2


class VisionBlock(nn.Module):
    """Attention of all positions at all positions and feed-forward, each behind a norm and added to what passes by."""

    def __init__(self, shape: VisionShape) -> None:
        """Allocate the parameters."""
        super().__init__()
        self.shape = shape
        self.attention_norm = LayerNorm(shape.width, shape.eps)
        self.qkv = Linear(shape.width, 3 * shape.width, bias=True)
        self.out = Linear(shape.width, shape.width, bias=True)
        self.feed_forward_norm = LayerNorm(shape.width, shape.eps)
        self.up = Linear(shape.width, shape.inner_width, bias=True)
        self.down = Linear(shape.inner_width, shape.width, bias=True)

    def forward(self, x_ISD: torch.Tensor) -> torch.Tensor:
        """Return [I, S, D]."""
        images, positions, width = x_ISD.shape
        head_width = width // self.shape.num_heads
        joined = self.qkv(self.attention_norm(x_ISD)).view(images, positions, 3, self.shape.num_heads, head_width)
        q, k, v = joined.permute(2, 0, 3, 1, 4)
        q = (q.float() * head_width**-0.5).to(v.dtype)
        seen = attend(q[:, :, None], k, v, None)[:, :, 0]
        x_ISD = x_ISD + self.out(seen.transpose(1, 2).reshape(images, positions, width))
        inner = self.up(self.feed_forward_norm(x_ISD)).float()
        return x_ISD + self.down((inner * torch.sigmoid(QUICK_GELU * inner)).to(x_ISD.dtype))


class VisionTower(nn.Module):
    """Patches, positions, a norm and blocks."""

    def __init__(self, shape: VisionShape) -> None:
        """Allocate the parameters; `initialise` fills them."""
        super().__init__()
        self.shape = shape
        self.patch = Linear(NUM_CHANNELS * shape.patch_size**2, shape.width)
        self.class_embedding = nn.Parameter(torch.empty(shape.width))
        self.position_embedding = nn.Parameter(torch.empty(shape.num_patches + 1, shape.width))
        self.norm = LayerNorm(shape.width, shape.eps)
        self.blocks = nn.ModuleList(VisionBlock(shape) for _ in range(shape.num_layers))
        # CLIP's norm of what a whole image is summed up in, which no patch passes: carried along, so that a checkpoint is whole
        self.register_buffer("summary_norm_weight", torch.ones(shape.width))
        self.register_buffer("summary_norm_bias", torch.zeros(shape.width))

    def forward(self, pixels: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return what leaves the last block at the patches, [I, N, D], of pixels [I, channels, height, width], computed in a type.

        Raises:
            ValueError: the images are of another size.
        """
        shape = self.shape
        if pixels.shape[1:] != (NUM_CHANNELS, shape.image_size, shape.image_size):
            raise ValueError(
                f"images of {tuple(pixels.shape[1:])}, and the model sees {(NUM_CHANNELS, shape.image_size, shape.image_size)}; resize them"
            )
        side, size = shape.image_size // shape.patch_size, shape.patch_size
        cut = pixels.to(dtype).view(-1, NUM_CHANNELS, side, size, side, size).permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
        patches = self.patch(cut).float()
        first = self.class_embedding.float().expand(len(patches), 1, -1)
        x = self.norm((torch.cat([first, patches], 1) + self.position_embedding).to(dtype))
        for block in self.blocks:
            x = block(x)
        return x[:, 1:]

    def initialise(self, generator: torch.Generator) -> None:
        """Draw weights so that patches and positions tell apart what leaves the tower from the first step on; norms stay the identity, biases 0.

        A product keeps the size of what it reads, and what blocks add is smaller the more of them there are, as CLIP draws them.
        """
        behind = (2 * self.shape.num_layers) ** -0.5
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name in ("class_embedding", "position_embedding"):
                    parameter.normal_(0, POSITION_STD, generator=generator)
                elif parameter.ndim == 2:
                    adds = name.endswith((".out.weight", ".down.weight"))
                    parameter.normal_(0, parameter.shape[1] ** -0.5 * (behind if adds else 1.0), generator=generator)
