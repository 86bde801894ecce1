"""Texts in other scripts than a source should have are dropped, by the share of their letters: quicker and surer than naming the language.

Scripts are Unicode's (UAX #24, https://www.unicode.org/reports/tr24/). A language may need several: Japanese is Han, Hiragana and Katakana.
"""

from typing import Literal

from pydantic import Field

from kernels.curation.filtering.batch import TextBatch, verdicts
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome

Script = Literal[
    "Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati", "Gurmukhi", "Han", "Hangul", "Hebrew",
    "Hiragana", "Kannada", "Katakana", "Khmer", "Lao", "Latin", "Malayalam", "Mongolian", "Myanmar", "Oriya", "Sinhala", "Syriac", "Tamil",
    "Telugu", "Thai", "Tibetan",
]  # fmt: skip


class ScriptConfig(Config):
    """Which letters a text should be written in."""

    scripts: tuple[Script, ...] = Field(min_length=1)
    """Unicode scripts, such as ``Latin``."""
    min_share: float = Field(gt=0, le=1)
    """Least share of a text's letters that are of these scripts; a text without letters has none."""


def apply(batch: TextBatch, config: ScriptConfig) -> Outcome:
    """Drop texts with too small a share; the value is the share."""
    letters = batch.text.str.count_matches(r"\p{L}")
    wanted = "".join(rf"\p{{{script}}}" for script in config.scripts)
    shares = batch.text.str.count_matches(rf"[\p{{L}}&&[{wanted}]]") / letters.clip(1)
    return verdicts(batch, ["script" if share < config.min_share else None for share in shares], shares.to_numpy())


SPEC = Filter(name="script", version=1, config=ScriptConfig, apply=apply)
