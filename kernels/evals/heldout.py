"""Held-out documents of a mixture, as evals read them."""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("id", "source", "text")


def read_heldout(data: Path | None) -> "pl.DataFrame":
    """Return the documents with text of a Parquet file, one at least, in its order: id, source and text.

    Raises:
        ValueError: there is no file, a column is missing, or no document has text.
    """
    import polars as pl

    if data is None:
        raise ValueError("this eval reads held-out documents; give the recipe's mixture a validation share")
    if missing := set(COLUMNS) - set(pq.read_schema(data).names):  # pyright: ignore[reportUnknownMemberType]
        raise ValueError(f"{data.name}: no column {sorted(missing)}; give the mixture's held-out documents")
    table = pl.read_parquet(data, glob=False, hive_partitioning=False, columns=list(COLUMNS)).filter(pl.col("text").str.len_bytes() > 0)
    if table.is_empty():
        raise ValueError(f"{data.name}: no document with text; raise the mixture's held-out share")
    return table
