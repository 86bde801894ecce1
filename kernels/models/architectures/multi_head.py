"""Sizes that families share whose query heads have each a key head."""

from typing import Self

from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key


class MultiHeadConfig(Config):
    """Sizes of blocks whose query heads have each a key head."""

    hidden_size: int = Field(gt=0)
    """Width of the residual stream."""
    num_layers: int = Field(gt=0)
    """Blocks of a stack."""
    num_heads: int = Field(gt=0)
    """Heads; divides the width."""
    intermediate_size: int = Field(gt=0)
    """Width inside the feed-forward blocks."""
    max_position_embeddings: int = Field(gt=0)
    """Longest sequence that the model may read."""
    tie_embeddings: bool
    """Whether input and output embeddings are one matrix (Press and Wolf 2017, arXiv 1608.05859)."""

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.hidden_size % self.num_heads:
            raise fault_of_key("num_heads", f"{self.num_heads} heads do not divide hidden_size {self.hidden_size}; take a number that does")
        return self


def max_positions(config: MultiHeadConfig) -> int:
    """Return how many tokens the model may read."""
    return config.max_position_embeddings
