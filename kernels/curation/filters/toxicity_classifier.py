"""Texts that a trained classifier finds toxic are dropped, or only tagged with their score.

A text is as toxic as its most toxic line where a recipe asks so: classifiers of toxicity learn from sentences, and one sentence is enough.
"""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from kernels.curation.filtering.batch import TextBatch, verdicts
from kernels.curation.filtering.trained import trained
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome
from kernels.specs.needs import TrainedClassifier

if TYPE_CHECKING:
    import polars as pl


class ToxicityClassifierConfig(Config):
    """Which classifier judges what, and what follows. One of the two thresholds."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "toxicity_classifier", "classifier": "toxic", "unit": "text", "max_score": 0.5, "action": "tag"}]}
    )
    classifier: str
    """One of the recipe's ``classifiers``; its positive side is the toxic one."""
    unit: Literal["text", "line"]
    """What is judged: the text's beginning, or the beginning of each of its lines, of which the most toxic counts."""
    max_score: float | None = Field(default=None, ge=0, le=1)
    """A probability of being toxic above this is too much."""
    false_alarms: float | None = Field(default=None, gt=0, lt=1)
    """The threshold is the score that this share of the held-out texts of the negative side reaches."""
    action: Literal["drop", "tag"]
    """``drop`` such texts, or keep all; either way the tag ``toxicity`` holds the score."""

    @model_validator(mode="after")
    def _has_one_threshold(self) -> Self:
        if (self.max_score is None) == (self.false_alarms is None):
            raise ValueError("toxicity_classifier: give one of max_score and false_alarms")
        return self


def apply(batch: TextBatch, config: ToxicityClassifierConfig) -> Outcome:
    """Score every text; the value is the score, 0 where all is blank.

    Raises:
        ValueError: the classifier is not among the recipe's.
    """
    import polars as pl

    classifier = trained(batch, config.classifier)
    limit = config.max_score if config.false_alarms is None else classifier.threshold(config.false_alarms)
    units = _lines(batch.text) if config.unit == "line" else batch.text.to_frame("text").with_row_index("row")
    scored = units.with_columns(pl.Series("toxicity", classifier.scores(units["text"])))
    is_blank = pl.col("text").str.strip_chars() == ""
    scores = scored.group_by("row", maintain_order=True).agg(toxicity=pl.when(is_blank).then(0.0).otherwise("toxicity").max())["toxicity"]
    reasons = ["toxic" if config.action == "drop" and score > limit else None for score in scores]
    return verdicts(batch, reasons, scores.to_numpy())._replace(tags={"toxicity": scores})


def _lines(texts: "pl.Series") -> "pl.DataFrame":
    """Return the lines of N texts with the row of each; a text has one at least."""
    return texts.str.split("\n").to_frame("text").with_row_index("row").explode("text")


SPEC = Filter(
    name="toxicity_classifier", version=1, config=ToxicityClassifierConfig, apply=apply, needs=lambda config: (TrainedClassifier(config.classifier),)
)
