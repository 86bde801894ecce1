"""A decoder that reads images among its tokens: a vision tower, a projector of two layers, and the Llama stack.

That is LLaVA (Liu et al. 2023, arXiv 2304.08485), with the two layers of its version 1.5 (Liu et al. 2023, arXiv 2310.03744).
In the text an image is as many tokens of one id as it has patches, side by side; what is projected of the patches takes their places.
Shape letters as in decoder.py and vision.py.
"""

from typing import NamedTuple

import torch
from torch import nn

from kernels.models.blocks.decoder import Decoder, DecoderShape
from kernels.models.blocks.linear import Linear
from kernels.models.blocks.vision import VisionShape, VisionTower
from kernels.models.reading import Reading, positions_of


class ImageDecoderShape(NamedTuple):
    """Sizes of both stacks."""

    vision: VisionShape
    language: DecoderShape
    image_token: int
    """The id that holds the place of a patch."""


class Projector(nn.Module):
    """From the width of the tower to that of the decoder, with GELU between."""

    def __init__(self, num_in: int, num_out: int) -> None:
        """Allocate the parameters."""
        super().__init__()
        self.inner = Linear(num_in, num_out, bias=True)
        self.outer = Linear(num_out, num_out, bias=True)

    def forward(self, x_IND: torch.Tensor) -> torch.Tensor:
        """Return [I, N, D] of the decoder's width."""
        return self.outer(nn.functional.gelu(self.inner(x_IND).float()).to(x_IND.dtype))


class ImageDecoder(nn.Module):
    """Tower, projector and decoder."""

    def __init__(self, shape: ImageDecoderShape) -> None:
        """Allocate the parameters; `initialise` fills them."""
        super().__init__()
        self.shape = shape
        self.vision = VisionTower(shape.vision)
        self.projector = Projector(shape.vision.width, shape.language.width)
        self.language = Decoder(shape.language)

    @property
    def blocks(self) -> nn.ModuleList:
        """The layers of both stacks, the tower's first."""
        return nn.ModuleList([*self.vision.blocks, *self.language.blocks])

    def forward(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return the last hidden states, [B, T, D], computed in a type.

        Raises:
            ValueError: the tokens hold places for more or fewer patches than there are images for.
        """
        x = self.language.embedded(reading.tokens_BT, positions_of(reading.segments_BT), dtype)
        is_place = reading.tokens_BT == self.shape.image_token
        num_images = 0 if reading.pixels is None else len(reading.pixels)
        if int(is_place.sum()) != num_images * self.shape.vision.num_patches:
            told = f"{num_images} images of {self.shape.vision.num_patches} patches"
            raise ValueError(f"the tokens hold places for {int(is_place.sum())} patches, and there are {told}; give each image as many places")
        if reading.pixels is not None and num_images:
            patches = self.projector(self.vision(reading.pixels, dtype))
            x = x.masked_scatter(is_place[..., None], patches.flatten(0, 1))
        return self.language.read(x, reading, dtype)

    def output_layer(self) -> tuple[torch.Tensor, None]:
        """Return the weight of the output layer, [V, D]; it has no bias."""
        return self.language.output_layer()

    def initialise(self, generator: torch.Generator, std: float) -> None:
        """Draw the decoder's matrices and embeddings by a standard deviation, and the rest as `VisionTower.initialise` does; biases are 0."""
        self.vision.initialise(generator)
        self.language.initialise(generator, std)
        with torch.no_grad():
            for layer in (self.projector.inner, self.projector.outer):
                layer.weight.normal_(0, layer.weight.shape[1] ** -0.5, generator=generator)
