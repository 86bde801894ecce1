"""The Llama family of causal decoders (Touvron et al. 2023, arXiv 2302.13971) as a Transformers configuration."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from kernels.specs.architectures import Architecture
from kernels.specs.config import Config, fault_of_key


class LlamaConfig(Config):
    """Shape of a decoder: pre-normalised, SwiGLU, rotary positions, grouped-query attention."""

    kind: Literal["llama"]
    """The family."""
    hidden_size: int = Field(gt=0)
    """Width of the residual stream."""
    num_layers: int = Field(gt=0)
    """Blocks."""
    num_heads: int = Field(gt=0)
    """Query heads; divides the width."""
    num_kv_heads: int = Field(gt=0)
    """Key and value heads (Ainslie et al. 2023, arXiv 2305.13245); divides ``num_heads``."""
    intermediate_size: int = Field(gt=0)
    """Width inside the feed-forward blocks."""
    max_position_embeddings: int = Field(gt=0)
    """Longest sequence that generation may reach."""
    tie_embeddings: bool
    """Whether input and output embeddings are one matrix (Press and Wolf 2017, arXiv 1608.05859)."""
    rope_theta: float = Field(default=10_000.0, gt=0)
    """Base of the rotary frequencies (Su et al. 2021, arXiv 2104.09864)."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.hidden_size % self.num_heads:
            raise fault_of_key(
                "num_heads", f"{self.num_heads} heads do not divide hidden_size {self.hidden_size}; take {_divisors(self.hidden_size)}"
            )
        if self.num_heads % self.num_kv_heads:
            raise fault_of_key("num_kv_heads", f"{self.num_kv_heads} does not divide num_heads {self.num_heads}; take {_divisors(self.num_heads)}")
        width = self.hidden_size // self.num_heads
        if width % 2:
            raise fault_of_key("num_heads", f"a head is {width} wide, and rotary positions turn pairs; take heads of an even width")
        return self


def _divisors(number: int) -> str:
    """Return some numbers that divide another, in words."""
    found = [candidate for candidate in range(1, min(number, 256) + 1) if number % candidate == 0]
    return f"one of {', '.join(map(str, found))}"


def build(config: LlamaConfig, *, vocab_size: int, eos_token_id: int, pad_token_id: int) -> Any:
    """Return the Transformers configuration of a model with random weights to come."""
    from transformers import LlamaConfig as TransformersLlamaConfig

    return TransformersLlamaConfig(
        vocab_size=vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_kv_heads,
        intermediate_size=config.intermediate_size,
        max_position_embeddings=config.max_position_embeddings,
        tie_word_embeddings=config.tie_embeddings,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        bos_token_id=None,
        eos_token_id=eos_token_id,
        pad_token_id=pad_token_id,
        attention_bias=False,
    )


def max_positions(config: LlamaConfig) -> int:
    """Return how many tokens the model may read."""
    return config.max_position_embeddings


SPEC = Architecture(name="llama", version=1, config=LlamaConfig, build=build, max_positions=max_positions)
