"""What a filter is given: the texts of a batch of documents, their words (found once, for all rules that count them), and trained models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kernels.filters.words import Words, split_texts

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class TextBatch:
    """N texts as the filter before left them."""

    text: "pl.Series"
    """str, length N, no nulls."""
    models: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Folders of trained classifiers by the name that a filter's config gives."""

    @cached_property
    def words(self) -> Words:
        """Their words, split at first use."""
        return split_texts(self.text)
