"""A chain of filters over one table of documents: what they leave, what each dropped and why, and what else they measured.

Each filter sees the texts as the one before left them, and only of documents not yet dropped. Every document of the input is kept or
dropped, never both. Documents pass the whole chain batch by batch, so that memory is bounded and words are split once for all rules.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pyarrow as pa

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filtering.pieces import emptied
from kernels.curation.text.string_buffers import batches
from kernels.documents.conversations import turns_column, turns_of
from kernels.documents.schema import DOCUMENTS
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome
from kernels.specs.needs import FilterNeed
from kernels.specs.turns import Turn

if TYPE_CHECKING:
    import polars as pl

DROPPED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the document's id"}),
        pa.field("filter", pa.string(), nullable=False, metadata={"description": "the filter that dropped it"}),
        pa.field("reason", pa.string(), nullable=False, metadata={"description": "the rule it failed, a fixed code"}),
        pa.field("value", pa.float64(), metadata={"description": "the measured value that the threshold refused"}),
        pa.field("text", pa.string(), nullable=False, metadata={"description": "the first 200 characters, as the filter saw them"}),
    ]
)
TAGS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the document's id"}),
        pa.field("filter", pa.string(), nullable=False, metadata={"description": "the filter that measured it"}),
        pa.field("name", pa.string(), nullable=False, metadata={"description": "what was measured"}),
        pa.field("label", pa.string(), metadata={"description": "its value, where it is a word"}),
        pa.field("value", pa.float64(), metadata={"description": "its value, where it is a number"}),
    ]
)
EXCERPT_CHARS = 200
ROW = "row"
"""A column that numbers the documents of a table while they pass."""

Step = tuple[Filter, Config]


class Filtered(NamedTuple):
    """What a chain makes of a table of documents."""

    kept: pa.Table
    """Schema `DOCUMENTS`, in order."""
    dropped: pa.Table
    """Schema `DROPPED`: batch by batch, in order of filter."""
    tags: pa.Table
    """Schema `TAGS`: what filters measured, of kept and dropped documents alike."""


def apply_filters(documents: pa.Table, steps: Sequence[Step], paths: Mapping[FilterNeed, Path] = MappingProxyType({})) -> Filtered:
    """Pass documents (schema `DOCUMENTS`) through a chain. ``paths``: see `TextBatch`.

    A document whose text a filter leaves empty is dropped by that filter with the reason ``empty``, a conversation of which it leaves a turn
    empty with ``emptied_turn``.

    Raises:
        ValueError: a filter returned another number of rows than it was given.
    """
    import polars as pl

    plain = [name for name in DOCUMENTS.names if name != "turns"]
    rows = cast(pl.DataFrame, pl.from_arrow(documents.select(plain))).with_row_index(ROW)  # pyright: ignore[reportUnknownMemberType]
    turns = turns_of(documents["turns"])
    parts = [
        _pass(rows[start:end], {row: found for row in range(start, end) if (found := turns[row]) is not None}, steps, paths)
        for start, end in batches(rows["text"])
    ]
    return Filtered(
        pa.concat_tables([DOCUMENTS.empty_table(), *(part.kept for part in parts)]),
        pa.concat_tables([DROPPED.empty_table(), *(part.dropped for part in parts)]),
        pa.concat_tables([TAGS.empty_table(), *(part.tags for part in parts)]),
    )


def _pass(kept: "pl.DataFrame", turns: Mapping[int, Sequence[Turn]], steps: Sequence[Step], paths: Mapping[FilterNeed, Path]) -> Filtered:
    """Pass one batch through the chain. ``turns`` are those of conversations, by the number in the column `ROW`."""
    import polars as pl

    dropped: list[pl.DataFrame] = []
    tags: list[pl.DataFrame] = []
    batch = _batch(kept, turns, paths)
    for spec, config in steps:
        outcome = spec.apply(batch, config)
        left = _after(batch, spec, outcome)
        tags += _tags(kept["id"], spec, outcome)
        judged = kept.select("id", pl.lit(spec.name).alias("filter"), "text").with_columns(
            _reasons(batch, left, outcome).alias("reason"), outcome.value.alias("value")
        )
        lost = judged["reason"].is_not_null()
        if lost.any():
            dropped.append(judged.filter(lost).select("id", "filter", "reason", "value", pl.col("text").str.slice(0, EXCERPT_CHARS)))
        if lost.any() or left is not batch:
            turns = {**turns, **{kept[ROW][row]: found for row, found in left.conversations.items()}}
            kept = kept.with_columns(left.text.alias("text")).filter(~lost)
            batch = _batch(kept, turns, paths)
    column = turns_column(turns.get(row) for row in kept[ROW].to_list())
    table = kept.drop(ROW).to_arrow().append_column(cast(Any, DOCUMENTS).field("turns"), column)
    return Filtered(table.cast(DOCUMENTS), _arrow(dropped, DROPPED), _arrow(tags, TAGS))


def _batch(kept: "pl.DataFrame", turns: Mapping[int, Sequence[Turn]], paths: Mapping[FilterNeed, Path]) -> TextBatch:
    return TextBatch(kept["text"], paths, {place: turns[row] for place, row in enumerate(kept[ROW].to_list()) if row in turns} if turns else {})


def _after(batch: TextBatch, spec: Filter, outcome: Outcome) -> TextBatch:
    """Return the batch as a filter leaves it, itself where it changes nothing. Raises ValueError, see `apply_filters`."""
    size = len(batch.text)
    if not len(outcome.reason) == len(outcome.value) == size or (not batch.conversations and len(outcome.text) != size):
        raise ValueError(f"filter {spec.name}: {size} documents in, {len(outcome.text)} out; a filter must return one row each")
    if outcome.text is not batch.text and len(outcome.text) != len(batch.pieces.text):
        raise ValueError(
            f"filter {spec.name}: {len(batch.pieces.text)} pieces of text in, {len(outcome.text)} out; a filter that rewrites must rewrite the "
            "batch's pieces, so that the turns of a conversation stay apart"
        )
    return batch if outcome.text is batch.text else batch.with_pieces(outcome.text)


def _reasons(batch: TextBatch, left: TextBatch, outcome: Outcome) -> "pl.Series":
    """Return why documents go: the filter's reason, or that it left nothing of a text, or of a turn of a conversation."""
    import polars as pl

    blank = left.text.str.strip_chars() == ""
    reason = pl.select(pl.when(outcome.reason.is_null() & blank).then(pl.lit("empty")).otherwise(outcome.reason)).to_series()
    if left is batch or not batch.conversations:
        return reason
    reasons: list[str | None] = reason.to_list()
    for row in emptied(batch.pieces, outcome.text).tolist():
        if row in batch.conversations:
            reasons[row] = reasons[row] or "emptied_turn"
    return pl.Series(reasons, dtype=pl.String)


def _arrow(frames: "list[pl.DataFrame]", schema: pa.Schema) -> pa.Table:
    import polars as pl

    return pl.concat(frames).to_arrow().cast(schema) if frames else schema.empty_table()


def _tags(ids: "pl.Series", spec: Filter, outcome: Outcome) -> "list[pl.DataFrame]":
    """Return what a filter measured, one row a document and name, nulls left out."""
    import polars as pl

    frames: list[pl.DataFrame] = []
    for name, series in outcome.tags.items():
        is_label = series.dtype == pl.String
        label = series if is_label else pl.lit(None, dtype=pl.String)
        value = pl.lit(None, dtype=pl.Float64) if is_label else series.cast(pl.Float64)
        columns = [pl.lit(spec.name).alias("filter"), pl.lit(name).alias("name"), label.alias("label"), value.alias("value")]
        frames.append(ids.to_frame("id").with_columns(columns).filter(series.is_not_null()))
    return frames
