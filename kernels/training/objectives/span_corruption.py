"""Span corruption (Raffel et al. 2020, arXiv 1910.10683): an encoder reads a text with gaps, a decoder writes what stood in them.

What the decoder writes of each document: a sentinel, what it stands for, the next sentinel, and so on, and one sentinel more at the end.
"""

import numpy as np
from pydantic import Field

from kernels.specs.config import Config
from kernels.specs.objectives import ControlTokens, Example, Objective, Row
from kernels.training.objectives.parts import read_by_encoder
from kernels.training.objectives.spans import bounds, corrupt, lacks_sentinels


class SpanCorruptionConfig(Config):
    """How much is taken out of a document, and in what lengths."""

    noise_density: float = Field(default=0.15, gt=0, lt=1)
    """Share of a document's tokens that are taken out."""
    mean_span_length: float = Field(default=3.0, ge=1)
    """Tokens that a sentinel stands for, on average; more where a document has more spans than there are sentinels."""


def lacks(config: SpanCorruptionConfig, control: ControlTokens) -> str | None:
    """Return what the vocabulary lacks; None where it has all."""
    return lacks_sentinels(control)


def lengths(config: SpanCorruptionConfig, row_length: int, max_documents: int) -> tuple[int, int]:
    """Return what encoder and decoder read at most."""
    return bounds(config.noise_density, config.mean_span_length, row_length, max_documents)[:2]


def prepare(row: Row, random: np.random.Generator, control: ControlTokens, config: SpanCorruptionConfig, lengths: tuple[int, int]) -> Example:
    """Return what the encoder reads of a row's documents and what the decoder writes of each. Raises ValueError: sentinels lack, or room."""
    return read_by_encoder(corrupt(row, config.noise_density, config.mean_span_length, random, control), control, lengths)


SPEC = Objective(
    name="span_corruption",
    version=1,
    config=SpanCorruptionConfig,
    attention=lambda config: "encoder_decoder",
    lacks=lacks,
    lengths=lengths,
    prepare=prepare,
)
