"""What a filter is given: the texts of a batch of documents, their words (found once, for all rules that count them), and trained models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kernels.specs import Outcome

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from kernels.text.words import Words


@dataclass(frozen=True)
class TextBatch:
    """N texts as the filter before left them."""

    text: "pl.Series"
    """str, length N, no nulls."""
    models: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Folders of trained classifiers by the name that a filter's config gives."""

    @cached_property
    def words(self) -> "Words":
        """Their words, split at first use."""
        from kernels.text.words import split_texts

        return split_texts(self.text)


def verdicts(batch: TextBatch, reasons: "Sequence[str | None]", values: "NDArray[np.float64]", text: "pl.Series | None" = None) -> Outcome:
    """Return the outcome of a filter by reasons (None keeps) and measured values, which count only where a text is dropped."""
    import polars as pl

    reason = pl.Series("reason", reasons, dtype=pl.String)
    value = pl.Series("value", values, dtype=pl.Float64, nan_to_null=True)
    return Outcome(batch.text if text is None else text, reason, value.to_frame().select(pl.when(reason.is_not_null()).then("value"))["value"])
