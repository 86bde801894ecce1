"""Architectures: families of models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from kernels.specs.config import Config
from kernels.specs.objectives import Attention

Side = Literal["inputs", "decoder"]
"""Positions of a row as the stack of inputs reads them, the only one or an encoder, and those of a decoder apart."""


class AttentionCounts(NamedTuple):
    """Layers of attention of one kind."""

    num_layers: int
    num_heads: int
    """That ask."""
    head_width: int
    is_causal: bool
    window: int | None = None
    """How many tokens back one looks at most, and as many ahead where it is not causal; None: as far as the sequence goes."""
    asks: Side = "inputs"
    sees: Side = "inputs"
    has_learned_bias: bool = False
    """Whether a bias that learns, one a head, is added to scores."""

    def flops(self, num_queries: int, num_keys: int) -> float:
        """Return the FLOPs of a row, forward alone: queries with keys, weights with values, 2 each a multiplication.

        A causal layer is counted for the half that it computes, a window for no more than is in it.
        """
        seen = float(num_keys)
        if self.window is not None and self.window < num_keys:
            seen = 2 * self.window - self.window**2 / num_keys
        return 4 * self.num_layers * self.num_heads * self.head_width * num_queries * (seen / 2 if self.is_causal else seen)


class StateCounts(NamedTuple):
    """Layers that carry a state from chunk to chunk of a sequence (Dao and Gu 2024, arXiv 2405.21060, section 6)."""

    num_layers: int
    num_heads: int
    head_width: int
    num_groups: int
    """Of heads that share how a state is written and read."""
    state_size: int
    chunk_size: int

    def flops(self, length: int) -> float:
        """Return the FLOPs of a row, forward alone: products within a chunk, the half that is causal, and those that write and read states.

        A row of one chunk has no state to read. What fills the last chunk is computed and counted.
        """
        chunk = min(self.chunk_size, length)
        num_chunks = -(-length // chunk)
        inner = self.num_heads * self.head_width
        within = chunk * (self.num_groups * self.state_size + inner)
        states = 4 * inner * self.state_size if num_chunks > 1 else 0
        return float(self.num_layers * num_chunks * chunk * (within + states))


class DecoderCounts(NamedTuple):
    """What the decoder of an encoder-decoder holds and does; a block as of `Counts`, by a position that the decoder reads."""

    num_matmul_parameters: int
    """Those of all that a position of the decoder is multiplied by, the output layer among them; the others are multiplied by the encoder's."""
    num_blocks: int
    num_block_activations: int
    num_block_activations_float32: int
    num_read_activations: int
    """Numbers that a block keeps of each position of the encoder: keys and values."""
    num_product_outputs: int


class ImageCounts(NamedTuple):
    """What makes tokens of an image holds and does: a tower, and a projector behind it."""

    num_matmul_parameters: int
    """That patches are multiplied by; tokens never are."""
    flops: float
    """Of an image, forward alone."""


class Counts(NamedTuple):
    """What a model of a shape holds and does, known before it is made."""

    num_parameters: int
    """Each matrix once, shared or not."""
    num_matmul_parameters: int
    """Those that a token is multiplied by: the output layer among them, look-ups of embeddings not, of experts only those that a token passes.

    Of an encoder-decoder all of them, though a token passes the encoder's or the decoder's: see `decoder`."""
    attention: tuple[AttentionCounts, ...]
    """What reads a sequence in another way than by attention has none: see `states`."""
    num_blocks: int
    """Of equal size, one behind the other: what checkpointing takes apart. Of an encoder-decoder those of the encoder, and so below."""
    hidden_size: int
    """Width of what goes from block to block."""
    num_block_activations: float
    """Numbers a token, in the precision of products, that a block keeps for its backward pass; attention's weights are not among them."""
    num_block_activations_float32: float
    """Those that it keeps in float32 whatever the precision: insides of norms and activations."""
    num_product_outputs: float
    """Numbers a token that the products of a block with weights give: what selective checkpointing keeps, beside what enters the block."""
    vocab_size: int
    is_stream_float32: bool = False
    """Whether what goes from block to block is float32 whatever the precision."""
    states: StateCounts | None = None
    decoder: DecoderCounts | None = None
    image: ImageCounts | None = None
    """Beside all that stands above, but for the parameters."""

    def attention_flops(self, num_inputs: int, num_decoder: int = 0) -> float:
        """Return the FLOPs of a row that are no products with weights, of attention and states, forward alone."""
        lengths: dict[Side, int] = {"inputs": num_inputs, "decoder": num_decoder}
        total = sum(layers.flops(lengths[layers.asks], lengths[layers.sees]) for layers in self.attention)
        return total + (self.states.flops(num_inputs) if self.states is not None else 0.0)

    def flops_per_row(self, num_inputs: int, num_decoder: int = 0, num_images: int = 0) -> float:
        """Return the FLOPs of a row in training: forward, and twice that backward (Chowdhery et al. 2022, arXiv 2204.02311, appendix B).

        What checkpointing computes anew is not the model's and not in it. A position that is padding counts as any other.

        Args:
            num_inputs: positions that the one stack reads, or the encoder.
            num_decoder: positions that a decoder apart reads.
            num_images: whose places are among the inputs.

        Raises:
            ValueError: the model has a decoder apart and the row nothing for it, or the other way round; or it reads no images.
        """
        if num_images and self.image is None:
            raise ValueError(f"{num_images} images, and the model reads none")
        if (self.decoder is None) != (num_decoder == 0):
            raise ValueError(f"{num_decoder} positions of a decoder apart, and the model has {'none' if self.decoder is None else 'one'}")
        of_decoder = 0 if self.decoder is None else self.decoder.num_matmul_parameters
        products = (self.num_matmul_parameters - of_decoder) * num_inputs + of_decoder * num_decoder
        of_images = 0.0 if self.image is None else num_images * self.image.flops
        return 3 * (2 * products + self.attention_flops(num_inputs, num_decoder) + of_images)

    def flops_per_token(self, num_inputs: int, num_decoder: int = 0) -> float:
        """Return the FLOPs of a token in training: of a position that is read, by whichever stack. Raises ValueError: see `flops_per_row`."""
        return self.flops_per_row(num_inputs, num_decoder) / (num_inputs + num_decoder)

    @property
    def num_all_blocks(self) -> int:
        """Blocks of all stacks."""
        return self.num_blocks + (0 if self.decoder is None else self.decoder.num_blocks)


@dataclass(frozen=True, kw_only=True)
class OwnModule:
    """A family's own module, which computes what Transformers' does."""

    stack_of: Callable[[Any], Any]
    """Takes a Transformers config; returns the sizes of the module, None where it is none of the family or has a part that the module lacks."""
    fast: Callable[[Any], Any]
    """Takes sizes; returns the module, weights not filled (`kernels.models.formats.fast.Fast`)."""
    counts: Callable[[Any], Counts]
    """Takes sizes; returns what a model of them holds and does."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A model family: ``build`` returns a Transformers config (no weights) for a vocabulary and special token ids."""

    name: str
    version: int
    config: type[Config]
    build: Callable[..., Any]
    attentions: frozenset[Attention] = frozenset({"causal"})
    """What it can do: an objective that asks for another is refused."""
    reads_images: bool = False
    """Whether it reads images among its tokens: ``build`` then takes the id that holds their places, ``image_token_id``, too."""
    own: OwnModule | None = None
    """Without one a model trains by Transformers' module, and nothing can be foretold of it."""
    max_positions: Callable[[Any], int | None] = lambda config: None
    """How many tokens a model of a config may read, None where nothing bounds it."""
