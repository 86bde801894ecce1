"""A document's beginning is read by an encoder and a decoder goes on (Raffel et al. 2020, arXiv 1910.10683, section 3.2.3, with two stacks).

Shares that leave less to draw make shorter, fuller rows: by default an encoder must take a whole row, and so must a decoder.
"""

import numpy as np

from kernels.specs.objectives import ControlTokens, Example, Objective, Row
from kernels.training.objectives.parts import read_by_encoder
from kernels.training.objectives.splits import SplitConfig, bounds, split


class PrefixToTargetConfig(SplitConfig):
    """Each document is split at a point that is drawn; an encoder reads what stands before it, and a decoder writes the rest."""


def lacks(config: PrefixToTargetConfig, control: ControlTokens) -> str | None:
    """Return None: what starts a decoder, the padding token, every vocabulary has."""
    return None


def lengths(config: PrefixToTargetConfig, row_length: int, max_documents: int) -> tuple[int, int]:
    """Return what encoder and decoder read at most."""
    return bounds(config.min_prefix_share, config.max_prefix_share, row_length, max_documents)


def prepare(row: Row, random: np.random.Generator, control: ControlTokens, config: PrefixToTargetConfig, lengths: tuple[int, int]) -> Example:
    """Return the beginnings of a row's documents and how they go on. Raises ValueError: a part is longer than its length."""
    return read_by_encoder(split(row, config.min_prefix_share, config.max_prefix_share, random), control, lengths)


SPEC = Objective(
    name="prefix_to_target",
    version=1,
    config=PrefixToTargetConfig,
    attention=lambda config: "encoder_decoder",
    lacks=lacks,
    lengths=lengths,
    prepare=prepare,
)
