"""Prefix decoders: tokens of a prefix all see each other, those behind it see what stands before them.

As in GLM (Du et al. 2022, arXiv 2103.10360) and the prefix LM of T5 (Raffel et al. 2020, arXiv 1910.10683, section 3.2); the stack is Llama's.
Transformers has no such mask, so that a checkpoint is a model of ours, which a plain ``from_pretrained`` refuses.
"""

from typing import Any, Literal

from kernels.models.architectures.llama import OWN, StackConfig, max_positions, own_shape
from kernels.specs.architectures import Architecture


class PrefixDecoderConfig(StackConfig):
    """A decoder that reads a prefix in both directions."""

    kind: Literal["prefix_decoder"]
    """The family."""


def build(config: PrefixDecoderConfig, *, vocab_size: int, eos_token_id: int, pad_token_id: int) -> Any:
    """Return the configuration of a model with random weights to come."""
    return own_shape(config, "prefix", vocab_size=vocab_size, eos_token_id=eos_token_id, pad_token_id=pad_token_id)


SPEC = Architecture(
    name="prefix_decoder",
    version=2,
    config=PrefixDecoderConfig,
    build=build,
    attentions=frozenset({"prefix"}),
    own=OWN,
    max_positions=max_positions,
)
