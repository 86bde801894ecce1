"""A mixture of denoisers (UL2: Tay et al. 2022, arXiv 2205.05131, table 1): each row has spans of some lengths taken out, or its documents' ends.

R denoisers take out few short spans, X denoisers many or long ones, the S denoiser what stands behind a point. Its point is drawn so that it leaves a
quarter to predict on average, and no length of what is given tells where a document ends; no sentinel stands for that quarter, by which a model
tells the S denoiser from the others. The paper's mode tokens are left out: no vocabulary here names any.
"""

from bisect import bisect
from itertools import accumulate
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key
from kernels.specs.objectives import Attention, ControlTokens, Example, Objective, Row
from kernels.training.objectives import spans, splits
from kernels.training.objectives.parts import read_as_prefix, read_by_encoder


class SpanDenoiser(spans.SpanConfig):
    """One R or X denoiser."""

    weight: float = Field(default=1.0, gt=0)
    """How often it is drawn, against the others."""


class Ul2Config(Config):
    """Which denoisers a row is drawn from, and who reads what they give."""

    form: Literal["encoder_decoder", "decoder"]
    """An encoder reads what is given and a decoder writes the rest; or a decoder reads all, what is given as a prefix."""
    span_denoisers: tuple[SpanDenoiser, ...] = (
        SpanDenoiser(noise_density=0.15, mean_span_length=3),
        SpanDenoiser(noise_density=0.15, mean_span_length=8),
        SpanDenoiser(noise_density=0.5, mean_span_length=3),
        SpanDenoiser(noise_density=0.5, mean_span_length=8),
        SpanDenoiser(noise_density=0.15, mean_span_length=64),
        SpanDenoiser(noise_density=0.5, mean_span_length=64),
    )
    """R and X denoisers; the paper's, two and four."""
    spans_anywhere: bool = True
    """Whether spans may begin a document and need not end it. Where they may not, the one span of 64 tokens or so that a document of less than 640
    has is always its end, which is for the S denoiser to take out."""
    sequential_weight: float = Field(default=1.0, ge=0)
    """How often the S denoiser is drawn, against the others."""
    min_prefix_share: float = Field(default=0.5, ge=0, le=1)
    """Share of a document's tokens that the S denoiser gives at least: by the default three quarters on average."""
    max_prefix_share: float = Field(default=1.0, ge=0, le=1)
    """Share of a document's tokens that the S denoiser gives at most."""

    @model_validator(mode="after")
    def _has_a_denoiser(self) -> Self:
        if not self.span_denoisers and not self.sequential_weight:
            raise fault_of_key("sequential_weight", "0 leaves no denoiser where span_denoisers has none; give one of them")
        return self


def attention(config: Ul2Config) -> Attention:
    """Return what the form asks of an architecture."""
    return "encoder_decoder" if config.form == "encoder_decoder" else "prefix"


def lacks(config: Ul2Config, control: ControlTokens) -> str | None:
    """Return what the vocabulary lacks; None where it has all."""
    return spans.lacks_sentinels(control) if config.span_denoisers else None


def lengths(config: Ul2Config, row_length: int, max_documents: int) -> tuple[int, int]:
    """Return what encoder and decoder read at most, whatever denoiser is drawn. A decoder alone reads more than a row: sentinels come to it."""
    needs = [spans.bounds(denoiser, row_length, max_documents) for denoiser in config.span_denoisers]
    if config.sequential_weight:
        needs.append((*splits.bounds(config.min_prefix_share, config.max_prefix_share, row_length, max_documents), row_length))
    given, predicted, both = (max(column) for column in zip(*needs, strict=True))
    return (given, predicted) if config.form == "encoder_decoder" else (both, 0)


def prepare(row: Row, random: np.random.Generator, control: ControlTokens, config: Ul2Config, lengths: tuple[int, int]) -> Example:
    """Return a row as one denoiser gives it, drawn by weight. Raises ValueError: sentinels lack, or room."""
    shares = list(accumulate([*(denoiser.weight for denoiser in config.span_denoisers), config.sequential_weight]))
    number = bisect(shares, random.random() * shares[-1])
    if number == len(config.span_denoisers):
        parts = splits.split(row, config.min_prefix_share, config.max_prefix_share, random)
    else:
        parts = spans.corrupt(row, config.span_denoisers[number], config.spans_anywhere, random, control)
    return read_by_encoder(parts, control, lengths) if config.form == "encoder_decoder" else read_as_prefix(parts, control, lengths[0])


SPEC = Objective(name="ul2", version=2, config=Ul2Config, attention=attention, lacks=lacks, lengths=lengths, prepare=prepare)
