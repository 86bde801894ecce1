"""Parquet tables written and read piece by piece, so that no stage holds a partition whole."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

GROUP_BYTES = 8 << 20
"""A row group is closed once it holds this much, uncompressed: what a reader has in memory at a time."""


def read_table(path: Path, columns: list[str] | None = None, *, only: tuple[str, str] | None = None) -> pa.Table:
    """Return a whole file's rows, those whose column has a value where ``only`` says so. Names of folders (``x=1``) say nothing of them."""
    wanted: Any = None if only is None else [(only[0], "=", only[1])]
    return pq.read_table(path, columns=columns, filters=wanted, partitioning=None)


def num_rows_of(path: Path) -> int:
    """Return how many rows a file has."""
    return pq.read_metadata(path).num_rows


def write_table(path: Path, table: pa.Table) -> None:
    """Write a whole table as Parquet with zstd."""
    with TableWriter(path, table.schema) as writer:
        writer.write(table)


class TableWriter:
    """Writes tables of one schema into one file, in row groups of about `GROUP_BYTES`."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Open the file."""
        self.num_rows = 0
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._held: list[pa.Table] = []
        self._held_bytes = 0

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        self.num_rows += table.num_rows
        step = max(1, min(table.num_rows, table.num_rows * GROUP_BYTES // max(1, table.nbytes)))
        for start in range(0, table.num_rows, step):
            part = table.slice(start, step)
            self._held.append(part)
            self._held_bytes += part.nbytes
            if self._held_bytes >= GROUP_BYTES:
                self._flush()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.concat_tables(self._held).cast(self._schema).combine_chunks())
        self._held, self._held_bytes = [], 0


def read_tables(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Yield a file's row groups, in order."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=columns)
