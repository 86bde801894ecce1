"""A chain of filters over one table of documents: what they leave, and what each dropped and why.

Each filter sees the texts as the one before left them, and only of documents not yet dropped. Every document of the input is in
exactly one of the two tables.
"""

from collections.abc import Sequence
from typing import cast

import pyarrow as pa

from kernels.documents import DOCUMENTS
from kernels.specs import Config, Filter

DROPPED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the document's id"}),
        pa.field("filter", pa.string(), nullable=False, metadata={"description": "the filter that dropped it"}),
        pa.field("reason", pa.string(), nullable=False, metadata={"description": "the rule it failed, a fixed code"}),
        pa.field("value", pa.float64(), metadata={"description": "the measured value that the threshold refused"}),
        pa.field("text", pa.string(), nullable=False, metadata={"description": "the first 200 characters, as the filter saw them"}),
    ]
)
EXCERPT_CHARS = 200


def apply_filters(documents: pa.Table, steps: Sequence[tuple[Filter, Config]]) -> tuple[pa.Table, pa.Table]:
    """Return the kept documents (schema `DOCUMENTS`, in order) and the dropped ones (schema `DROPPED`, in order of filter).

    A document whose text a filter leaves empty is dropped by that filter with the reason ``empty``.

    Raises:
        ValueError: a filter returned another number of rows than it was given.
    """
    import polars as pl

    kept = cast(pl.DataFrame, pl.from_arrow(documents)).select(DOCUMENTS.names)  # pyright: ignore[reportUnknownMemberType]
    dropped: list[pl.DataFrame] = []
    for spec, config in steps:
        outcome = spec.apply(kept["text"], config)
        if not len(outcome.text) == len(outcome.reason) == len(outcome.value) == len(kept):
            raise ValueError(f"filter {spec.name}: {len(kept)} documents in, {len(outcome.text)} out; a filter must return one row each")
        judged = kept.select("id", pl.lit(spec.name).alias("filter"), "text").with_columns(
            outcome.text.alias("left"), outcome.reason.alias("reason"), outcome.value.alias("value")
        )
        empty = pl.col("reason").is_null() & (pl.col("left").str.strip_chars() == "")
        judged = judged.with_columns(pl.when(empty).then(pl.lit("empty")).otherwise("reason").alias("reason"))
        lost = judged["reason"].is_not_null()
        excerpt = pl.col("text").str.slice(0, EXCERPT_CHARS)
        dropped.append(judged.filter(lost).select("id", "filter", "reason", "value", excerpt))
        kept = kept.with_columns(outcome.text.alias("text")).filter(~lost)
    rows = pl.concat(dropped).to_arrow() if dropped else DROPPED.empty_table()
    return kept.to_arrow().cast(DOCUMENTS), rows.cast(DROPPED)
