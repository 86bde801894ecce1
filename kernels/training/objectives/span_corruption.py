"""Span corruption (Raffel et al. 2020, arXiv 1910.10683): an encoder reads a text with gaps, a decoder writes what stood in them.

What the decoder writes of each document: a sentinel, what it stands for, the next sentinel, and so on, and one sentinel more at the end.
"""

import numpy as np

from kernels.specs.objectives import ControlTokens, Example, Objective, Row
from kernels.training.objectives.parts import read_by_encoder
from kernels.training.objectives.spans import SpanConfig, bounds, corrupt, lacks_sentinels


class SpanCorruptionConfig(SpanConfig):
    """How much is taken out of a document, in what lengths, and where."""

    spans_anywhere: bool = False
    """Whether spans may begin a document and need not end it. The paper's code keeps the first token and takes out the last, so that of a document
    of one span, one of up to 30 tokens by the other defaults, it is always the end that is taken out."""


def lacks(config: SpanCorruptionConfig, control: ControlTokens) -> str | None:
    """Return what the vocabulary lacks; None where it has all."""
    return lacks_sentinels(control)


def lengths(config: SpanCorruptionConfig, row_length: int, max_documents: int) -> tuple[int, int]:
    """Return what encoder and decoder read at most."""
    return bounds(config, row_length, max_documents)[:2]


def prepare(row: Row, random: np.random.Generator, control: ControlTokens, config: SpanCorruptionConfig, lengths: tuple[int, int]) -> Example:
    """Return what the encoder reads of a row's documents and what the decoder writes of each. Raises ValueError: sentinels lack, or room."""
    return read_by_encoder(corrupt(row, config, config.spans_anywhere, random, control), control, lengths)


SPEC = Objective(
    name="span_corruption",
    version=2,
    config=SpanCorruptionConfig,
    attention=lambda config: "encoder_decoder",
    lacks=lacks,
    lengths=lengths,
    prepare=prepare,
)
