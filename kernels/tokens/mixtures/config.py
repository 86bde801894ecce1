"""What a recipe says of a mixture: shares, how much and how often, the length of rows, and the split."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Self

import xxhash
from pydantic import Field, field_validator, model_validator

from kernels.specs.config import Config, fault_of_key
from kernels.tokens.mixtures.index import Stage, Weights, shares_of
from kernels.tokens.mixtures.packing import PADDING_SEGMENT


class MixtureConfig(Config):
    """Shares, length and split."""

    weights: Weights
    """Share of the training tokens that each source gives; shares are divided by their sum."""
    stages: list[Stage] = Field(default=[])
    """Other shares from some point of a training on, such as more of the best sources at its end."""
    max_epochs: float | dict[str, float]
    """How often a training may read a document at most: for all sources, or for each by name. One that would read more is refused."""
    max_tokens: dict[str, int] = Field(default={})
    """Training tokens of a source at most, by its name. Documents are chosen by a hash of their ids, so that the choice lasts when others come."""
    max_train_tokens: int | None = Field(gt=0)
    """Training tokens at most: each source is given its share of them, the largest that it has at any time; null takes all there are."""
    sequence_length: int = Field(gt=1)
    """Tokens in a row."""
    validation_fraction: float = Field(ge=0, lt=1)
    """Share of documents that are never trained on."""
    max_heldout_documents: int = Field(ge=0)
    """Validation documents whose text is kept for evaluation, at most."""
    seed: int
    """Of the split, the choice of documents and the order."""

    @field_validator("sequence_length")
    @classmethod
    def _segments_can_be_told_apart(cls, length: int) -> int:
        if length > PADDING_SEGMENT:
            raise ValueError(f"{length} tokens may hold more documents than segments have numbers; give at most {PADDING_SEGMENT}")
        return length

    @field_validator("stages")
    @classmethod
    def _come_in_order(cls, stages: list[Stage]) -> list[Stage]:
        for before, after in pairwise(stages):
            if after.start <= before.start:
                raise ValueError(f"the stage from {after.start:g} stands behind that from {before.start:g}; let each begin later than the one before")
        return stages

    @model_validator(mode="after")
    def _limits_are_of_its_sources(self) -> Self:
        by_source = self.max_epochs if isinstance(self.max_epochs, dict) else dict.fromkeys(self.sources, self.max_epochs)
        if missing := sorted(set(self.sources) - set(by_source)):
            raise fault_of_key("max_epochs", f"it does not say how often {', '.join(missing)} may be read; add them, or give one number for all")
        limits: dict[str, Mapping[str, float]] = {"max_epochs": by_source, "max_tokens": self.max_tokens}
        for key, values in limits.items():
            if unknown := sorted(set(values) - self.named):
                raise fault_of_key(key, f"no weight names {', '.join(unknown)}; name sources of the mixture: {', '.join(sorted(self.named))}")
            if wrong := sorted(name for name, value in values.items() if value <= 0):
                raise fault_of_key(key, f"that of {', '.join(wrong)} is not more than 0; leave a source out by a weight of 0")
        return self

    @property
    def named(self) -> set[str]:
        """The sources that it names at all."""
        return {name for weights in self._shares() for name in weights}

    @property
    def sources(self) -> list[str]:
        """The sources that have a share at any time, by name."""
        return sorted({name for weights in self._shares() for name, weight in weights.items() if weight > 0})

    def epochs_of(self, source: str) -> float:
        """Return how often a source may be read."""
        return self.max_epochs[source] if isinstance(self.max_epochs, dict) else self.max_epochs

    def quota(self, source: str) -> int | None:
        """Return how many training tokens of a source are stored at most, None where there is no bound."""
        bounds = [self.max_tokens[source]] if source in self.max_tokens else []
        if self.max_train_tokens is not None:
            bounds.append(int(self.max_train_tokens * max(shares_of(weights).get(source, 0) for weights in self._shares())))
        return min(bounds) if bounds else None

    def _shares(self) -> list[dict[str, float]]:
        return [self.weights, *(stage.weights for stage in self.stages)]


def is_validation(document_id: str, config: MixtureConfig) -> bool:
    """Return whether a document is held out."""
    return draw(document_id, config.seed) < num_validation_draws(config)


def draw(document_id: str, seed: int) -> int:
    """Return a document's number out of 2**64: which split it is of, and whether it is among those taken where not all are."""
    return xxhash.xxh3_64_intdigest(document_id.encode(), seed)


def num_validation_draws(config: MixtureConfig) -> int:
    """Return how many of the 2**64 numbers are those of held-out documents."""
    return int(config.validation_fraction * 2**64)
