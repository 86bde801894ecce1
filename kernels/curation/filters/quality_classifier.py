"""Texts that a trained classifier finds unlike the recipe's reference texts are dropped: by a threshold, or by chance that falls with the score.

The second is the rule of GPT-3 (Brown et al. 2020, arXiv:2005.14165, appendix A), which keeps some texts unlike the reference on purpose.
"""

from hashlib import blake2b
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, model_validator

from kernels.curation.filtering.batch import TextBatch, verdicts
from kernels.curation.filtering.trained import trained
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome
from kernels.specs.needs import TrainedClassifier

if TYPE_CHECKING:
    import polars as pl


class QualityClassifierConfig(Config):
    """Which classifier judges, and what is kept. One of the three thresholds."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "quality_classifier", "classifier": "clean", "keep_rate": 0.5}]})
    classifier: str
    """One of the recipe's ``classifiers``."""
    keep_rate: float | None = Field(default=None, gt=0, le=1)
    """Share of the classifier's held-out raw texts that reaches the threshold."""
    min_score: float | None = Field(default=None, ge=0, le=1)
    """Probability of being like the reference that a text must reach."""
    pareto_alpha: float | None = Field(default=None, gt=0)
    """Keep where a Pareto variate of this shape is above one minus the score (9: arXiv:2005.14165); a text's variate hangs on the text alone."""

    @model_validator(mode="after")
    def _has_one_threshold(self) -> Self:
        if sum(value is not None for value in (self.keep_rate, self.min_score, self.pareto_alpha)) != 1:
            raise ValueError("quality_classifier: give one of keep_rate, min_score and pareto_alpha")
        return self


def apply(batch: TextBatch, config: QualityClassifierConfig) -> Outcome:
    """Score every text; tag ``quality``.

    Raises:
        ValueError: the classifier is not among the recipe's.
    """
    import polars as pl

    classifier = trained(batch, config.classifier)
    scores = classifier.scores(batch.text)
    if config.pareto_alpha is not None:
        limits = 1 - _pareto(batch.text, config.pareto_alpha)
    else:
        limits = np.full(len(scores), config.min_score if config.keep_rate is None else classifier.threshold(config.keep_rate))
    outcome = verdicts(batch, ["low_quality" if score < limit else None for score, limit in zip(scores, limits, strict=True)], scores)
    return outcome._replace(tags={"quality": pl.Series("quality", scores)})


def _pareto(texts: "pl.Series", alpha: float) -> NDArray[np.float64]:
    """Return a variate of the Lomax distribution for each text, drawn by its hash (the inverse of 1 - (1 + x)**-alpha)."""
    places = [int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64 for text in texts]
    return (1 - np.array(places)) ** (-1 / alpha) - 1


def needs(config: QualityClassifierConfig) -> tuple[TrainedClassifier, ...]:
    """Return the classifier that a config names."""
    return (TrainedClassifier(config.classifier),)


SPEC = Filter(name="quality_classifier", version=1, config=QualityClassifierConfig, apply=apply, needs=needs)
