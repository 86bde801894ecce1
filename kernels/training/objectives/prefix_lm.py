"""Prefix language modelling (Raffel et al. 2020, arXiv 1910.10683, section 3.2.3): a document's beginning is read as a whole, the rest is predicted.

The last token of the prefix predicts the first one behind it.
"""

import numpy as np

from kernels.specs.objectives import ControlTokens, Example, Objective, Row
from kernels.training.objectives.parts import read_as_prefix
from kernels.training.objectives.splits import SplitConfig, split


class PrefixLmConfig(SplitConfig):
    """Each document is split at a point that is drawn; the tokens before it all look at each other, and those behind it are predicted."""


def lacks(config: PrefixLmConfig, control: ControlTokens) -> str | None:
    """Return None: no control token is written."""
    return None


def lengths(config: PrefixLmConfig, row_length: int, max_documents: int) -> tuple[int, int]:
    """Return the length of rows, which stay as they are."""
    return row_length, 0


def prepare(row: Row, random: np.random.Generator, control: ControlTokens, config: PrefixLmConfig, lengths: tuple[int, int]) -> Example:
    """Return a row, where its prefixes are, and what is predicted behind them. A document of one token is all prefix."""
    return read_as_prefix(split(row, config.min_prefix_share, config.max_prefix_share, random), control, lengths[0])


SPEC = Objective(
    name="prefix_lm",
    version=1,
    config=PrefixLmConfig,
    attention=lambda config: "prefix",
    lacks=lacks,
    lengths=lengths,
    prepare=prepare,
    predicted_share=lambda config: 1 - (config.min_prefix_share + config.max_prefix_share) / 2,
)
