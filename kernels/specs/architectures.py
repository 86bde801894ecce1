"""Architectures: families of models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from kernels.specs.config import Config
from kernels.specs.objectives import Attention


class AttentionCounts(NamedTuple):
    """Layers of attention of one kind."""

    num_layers: int
    num_heads: int
    """That ask."""
    head_width: int
    is_causal: bool
    window: int | None = None
    """How many tokens back one looks at most, itself among them; None: as far as the sequence goes."""


class Counts(NamedTuple):
    """What a model of a shape holds and does, known before it is made."""

    num_parameters: int
    """Each matrix once, shared or not."""
    num_matmul_parameters: int
    """Those that a token is multiplied by: the output layer among them, look-ups of embeddings not, of experts only those that a token passes."""
    attention: tuple[AttentionCounts, ...]
    """What reads a sequence in another way than by attention has none: its products with weights are counted above."""
    num_blocks: int
    """Of equal size, one behind the other: what checkpointing takes apart."""
    hidden_size: int
    """Width of what goes from block to block."""
    num_block_activations: int
    """Numbers a token, in the precision of products, that a block keeps for its backward pass; attention's weights are not among them."""
    num_block_activations_float32: int
    """Those that it keeps in float32 whatever the precision: insides of norms and activations."""
    num_product_outputs: int
    """Numbers a token that the products of a block with weights give: what selective checkpointing keeps, beside what enters the block."""
    vocab_size: int

    def attention_flops(self, sequence_length: int) -> float:
        """Return the FLOPs a token of attention's own products, forward alone: queries with keys, weights with values, 2 each a multiplication.

        A causal layer is counted for the half that it computes, a window for no more than is in it.
        """
        total = 0.0
        for layers in self.attention:
            window = min(sequence_length, layers.window or sequence_length)
            looked_at = window - window**2 / (2 * sequence_length) if layers.is_causal else float(window)
            total += 4 * layers.num_layers * layers.num_heads * layers.head_width * looked_at
        return total

    def flops_per_token(self, sequence_length: int) -> float:
        """Return the FLOPs of a token in training: forward, and twice that backward (Chowdhery et al. 2022, arXiv 2204.02311, appendix B).

        What checkpointing computes anew is not the model's and not in it.
        """
        return 3 * (2 * self.num_matmul_parameters + self.attention_flops(sequence_length))


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A model family: ``build`` returns a Transformers config (no weights) for a vocabulary and special token ids."""

    name: str
    version: int
    config: type[Config]
    build: Callable[..., Any]
    attentions: frozenset[Attention] = frozenset({"causal"})
    """What it can do: an objective that asks for another is refused."""
    fast: Callable[[Any], Any] | None = None
    """Takes a Transformers config; returns the family's own module for it (`kernels.models.formats.fast.Fast`), None where it is none of the
    family or has a part that the module lacks. Without one a model trains by Transformers' own module."""
    max_positions: Callable[[Any], int | None] = lambda config: None
    """How many tokens a model of a config may read, None where nothing bounds it."""
    counts: Callable[[Any, int], Counts] | None = None
    """What a model of a config and a vocabulary's size holds and does; None where nobody has counted, so that nothing can be foretold of it."""
