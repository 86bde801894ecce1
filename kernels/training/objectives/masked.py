"""Masked tokens (Devlin et al. 2018, arXiv 1810.04805, section 3.1): some tokens are hidden and predicted from all others of their document.

Of n ordinary tokens of a document, n times the rate are chosen; a part of a token is rounded up as often as it is large, so that documents of a few
tokens are neither always left whole nor always chosen from, and of all tokens the rate is chosen. Control tokens are neither chosen nor drawn.
"""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key
from kernels.specs.objectives import IGNORED, NO_SEGMENT, ControlTokens, Example, Objective, Row
from kernels.training.objectives.row_documents import drawn, is_ordinary, ordinary_tokens


class MaskedConfig(Config):
    """How many tokens are chosen, and what stands in their place. What neither share takes is predicted but left as it is."""

    rate: float = Field(default=0.15, gt=0, lt=1)
    """Share of a document's tokens that are predicted."""
    mask_share: float = Field(default=0.8, ge=0, le=1)
    """Share of those that the mask token stands for."""
    random_share: float = Field(default=0.1, ge=0, le=1)
    """Share of those that a random token stands for."""

    @model_validator(mode="after")
    def _shares_are_of_one_whole(self) -> Self:
        if self.mask_share + self.random_share > 1 + 1e-9:
            raise fault_of_key("random_share", f"{self.random_share:g} and mask_share, {self.mask_share:g}, are more than all; lower one")
        return self


def lacks(config: MaskedConfig, control: ControlTokens) -> str | None:
    """Return what the vocabulary lacks for hiding tokens; None where it has all."""
    if control.mask is None:
        return "the vocabulary has no mask token; ask for it in the special tokens of the tokenizer"
    if not len(ordinary_tokens(control)):
        return "the vocabulary has control tokens alone; give the tokenizer a larger vocabulary"
    return None


def lengths(config: MaskedConfig, row_length: int, max_documents: int) -> tuple[int, int]:
    """Return the length of rows, which stays as it is."""
    return row_length, 0


def prepare(row: Row, random: np.random.Generator, control: ControlTokens, config: MaskedConfig, lengths: tuple[int, int]) -> Example:
    """Return a row with tokens hidden, and these as targets where they stood. Raises ValueError: the vocabulary lacks what is needed."""
    lack = lacks(config, control)
    if lack or control.mask is None:
        raise ValueError(lack)
    candidates = np.flatnonzero((row.segments != NO_SEGMENT) & is_ordinary(control)[row.tokens])
    sizes = np.bincount(row.segments[candidates])
    counts = np.floor(sizes * config.rate + random.random(len(sizes))).astype(np.int64)
    chosen = candidates[drawn(sizes, counts, random)]
    ways = random.random(len(chosen))
    ordinary = ordinary_tokens(control)
    others = ordinary[random.integers(len(ordinary), size=len(chosen))]
    inputs, targets = row.tokens.copy(), np.full(len(row.tokens), IGNORED, np.int64)
    targets[chosen] = row.tokens[chosen]
    hidden = np.where(ways < config.mask_share + config.random_share, others, row.tokens[chosen])
    inputs[chosen] = np.where(ways < config.mask_share, control.mask, hidden)
    return Example(inputs=Row(inputs, row.segments), targets=targets)


SPEC = Objective(
    name="masked",
    version=1,
    config=MaskedConfig,
    attention=lambda config: "bidirectional",
    lacks=lacks,
    lengths=lengths,
    prepare=prepare,
    predicted_share=lambda config: config.rate,
)
