"""What a filter is given: the texts of a batch of documents, their words (found once, for all rules that count them), and what else it needs.

A filter judges whole texts and rewrites pieces. The one piece of a document is its text; a conversation has a piece for whatever is said in it
(`kernels.documents.pieces`), so that no rewriting reaches over the end of a turn, and its text is derived from the pieces anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kernels.curation.filtering.pieces import Pieces, put_back, split
from kernels.specs.filters import Outcome
from kernels.specs.needs import FilterNeed
from kernels.specs.turns import Turn

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from kernels.curation.text.words import Words

Found = TypeVar("Found")


@dataclass(frozen=True)
class TextBatch:
    """N texts as the filter before left them."""

    text: "pl.Series"
    """str, length N, no nulls."""
    paths: Mapping[FilterNeed, Path] = field(default_factory=dict[FilterNeed, Path])
    """Where what filters need is: the file of a key, the folder of a classifier."""
    conversations: Mapping[int, Sequence[Turn]] = field(default_factory=dict[int, Sequence[Turn]])
    """The turns of those texts that are conversations, by number of text."""

    @cached_property
    def pieces(self) -> Pieces:
        """Their pieces, which are all that a filter may rewrite: the texts themselves where none is a conversation."""
        return split(self.text, self.conversations)

    @cached_property
    def piece_words(self) -> "Words":
        """The words of the pieces, split at first use; those of the texts where none is a conversation."""
        from kernels.curation.text.words import split_texts

        return split_texts(self.pieces.text) if self.conversations else self.words

    def with_pieces(self, texts: "pl.Series") -> "TextBatch":
        """Return the batch with its pieces rewritten: P texts, in order."""
        text, conversations = put_back(self.text, self.conversations, self.pieces, texts)
        return TextBatch(text, self.paths, conversations)

    @cached_property
    def words(self) -> "Words":
        """Their words, split at first use."""
        from kernels.curation.text.words import split_texts

        return split_texts(self.text)


def rewrite(texts: "pl.Series", found: Mapping[int, Found], change: Callable[[str, Found], str]) -> "pl.Series":
    """Return N texts with some changed by what was found in them, by number of text; the series itself where nothing was."""
    import polars as pl

    if not found:
        return texts
    rows = pl.Series(list(found), dtype=pl.UInt32)
    changed = [change(text, what) for text, what in zip(texts.gather(rows), found.values(), strict=True)]
    return texts.clone().scatter(rows, pl.Series(changed, dtype=pl.String))


UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
"""A letter of a script that puts no spaces between words."""


def are_unspaced(texts: "pl.Series") -> "pl.Series":
    """Return whether at least half of the letters of each text are of scripts that put no spaces between words."""
    return texts.str.count_matches(UNSPACED) * 2 >= texts.str.count_matches(r"\p{L}").clip(1)


def verdicts(batch: TextBatch, reasons: "Sequence[str | None]", values: "NDArray[np.float64]", *, skip_unspaced: bool = False) -> Outcome:
    """Return the outcome of a rule by reasons (None keeps) and measured values, which count only where a text is dropped.

    With ``skip_unspaced``, texts in scripts without spaces between words are kept, and tagged ``word_rules``: ``not_applicable``.
    """
    import polars as pl

    reason = pl.Series("reason", reasons, dtype=pl.String)
    tags: dict[str, pl.Series] = {}
    if skip_unspaced:
        skipped = are_unspaced(batch.text)
        nothing = pl.Series("nothing", [None] * len(skipped), dtype=pl.String)
        reason = nothing.zip_with(skipped, reason)
        tags["word_rules"] = pl.Series("word_rules", ["not_applicable"] * len(skipped)).zip_with(skipped, nothing)
    value = pl.Series("value", values, dtype=pl.Float64, nan_to_null=True)
    return Outcome(batch.text, reason, value.to_frame().select(pl.when(reason.is_not_null()).then("value"))["value"], tags)
