"""What a recipe says of a mixture: shares, how much and how often, the length of rows, and the split."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Self

import xxhash
from pydantic import Field, field_validator, model_validator

from kernels.specs.config import Config, fault_of_key
from kernels.tokens.mixtures.index import Stage, Weights, as_written, shares_of
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
    """Training tokens at most, replayed ones among them: each source is given its share of them, the largest that it has at any time; null takes
    all there are."""
    after: str | None = None
    """Another mixture, that of the model which goes on with this one: the documents of its training rows are left out, read to the end or not, and
    what it holds out is not trained on. So it is with the mixtures that it comes after itself."""
    replay: float | dict[str, float] = 0.0
    """Share of the tokens that are of left-out documents again (Ibrahim et al. 2024, arXiv 2403.08763: 5% where new and old are alike, 25% where they
    are not): of each source as much as ``after`` read it, or what is said by its name. Which documents, a hash of their ids says. They may be read
    as often as any source may."""
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

    @model_validator(mode="after")
    def _replays_what_was_read_before(self) -> Self:
        if isinstance(self.replay, dict) and (wrong := sorted(source for source, share in self.replay.items() if share <= 0)):
            raise fault_of_key("replay", f"that of {', '.join(wrong)} is not more than 0; a source that is not named is not replayed")
        if not 0 <= self.replayed_share < 1:
            raise fault_of_key("replay", f"{float(self.replayed_share):g} is no share of the tokens; give at least 0 and less than 1 in all")
        if self.replay and self.after is None:
            raise fault_of_key("replay", "nothing says which documents were trained on before; add the key 'after' with a mixture, or leave it out")
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

    @property
    def replayed_share(self) -> Fraction:
        """The share of the tokens that are replayed, in all."""
        return sum(map(as_written, self.replay.values()), Fraction(0)) if isinstance(self.replay, dict) else as_written(self.replay)

    def replayed_shares(self, read: Mapping[str, Fraction]) -> dict[str, Fraction]:
        """Return the share of the tokens that are replayed of each source, where the training before gave each source a share of its own."""
        if isinstance(self.replay, dict):
            return {source: as_written(share) for source, share in sorted(self.replay.items())}
        return {source: share * self.replayed_share for source, share in sorted(read.items())} if self.replay else {}

    def quota(self, source: str) -> int | None:
        """Return how many training tokens of a source are stored at most, None where there is no bound; replayed ones aside."""
        bounds = [self.max_tokens[source]] if source in self.max_tokens else []
        if self.max_train_tokens is not None:
            others = self.max_train_tokens * (1 - self.replayed_share)
            bounds.append(int(others * max(shares_of(weights).get(source, 0) for weights in self._shares())))
        return min(bounds) if bounds else None

    def _shares(self) -> list[dict[str, float]]:
        return [self.weights, *(stage.weights for stage in self.stages)]


class ValidationShare(Config):
    """All that says which documents a mixture may hold out, so that what is no mixture keeps away from them too."""

    seed: int
    """Of the mixture."""
    validation_fraction: float = Field(ge=0, lt=1)
    """Of the mixture."""


def is_validation(document_id: str, config: MixtureConfig | ValidationShare) -> bool:
    """Return whether a document is held out."""
    return draw(document_id, config.seed) < num_validation_draws(config)


def draw(document_id: str, seed: int) -> int:
    """Return a document's number out of 2**64: which split it is of, and whether it is among those taken where not all are."""
    return xxhash.xxh3_64_intdigest(document_id.encode(), seed)


def replay_draw(document_id: str, config: MixtureConfig) -> int:
    """Return a document's number out of 2**64 that says whether it is among those replayed: another one behind each mixture."""
    return draw(f"{config.after} {document_id}", config.seed)


def num_validation_draws(config: MixtureConfig | ValidationShare) -> int:
    """Return how many of the 2**64 numbers are those of held-out documents."""
    return int(config.validation_fraction * 2**64)
