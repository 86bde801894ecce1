"""Arrow record batches as rows. Batches come from files of strangers: their offsets are checked before any value is looked at."""

from collections.abc import Iterator
from typing import Any

from kernels.reading.parsing.rows import Row, RowsConfig
from kernels.specs.sources import Reject

NUM_ROWS_AT_ONCE = 64
"""Rows that are Python values at one time: a dictionary of few long strings may stand for many rows."""


def damage(error: Exception) -> str:
    """Return what is wrong with a file. Raises the error again where the disk or the network failed, which tells nothing of the file."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    return str(error)[:500]


def missing_column(names: list[str], config: RowsConfig) -> Reject | None:
    """Return the reject of a file without one of the columns that the config names once, None where all are there."""
    for name in config.fields:
        if names.count(name) != 1:
            return Reject("file", "schema", f"the file must have one column {name!r}; it has {names[:20]}")
    return None


def batch_rows(batch: Any, config: RowsConfig, first: int, place: str) -> Iterator[Row | Reject]:
    """Yield the rows of a ``pyarrow.RecordBatch``, numbered from ``first``; strings stay bytes, which the row's reader decodes."""
    import pyarrow as pa

    try:
        columns = {name: _as_bytes(batch.column(name)) for name in config.fields}
        for column in columns.values():
            column.validate(full=True)
    except pa.ArrowException as error:
        yield Reject(place, "damaged", damage(error))
        return
    for start in range(0, batch.num_rows, NUM_ROWS_AT_ONCE):
        values = {name: column.slice(start, NUM_ROWS_AT_ONCE).to_pylist() for name, column in columns.items()}
        for index in range(min(NUM_ROWS_AT_ONCE, batch.num_rows - start)):
            yield Row(f"row {first + start + index}", {name: column[index] for name, column in values.items()})


def _as_bytes(column: Any) -> Any:
    """Return strings as bytes without a copy, any other column as it is."""
    import pyarrow as pa

    if pa.types.is_string(column.type):
        return column.cast(pa.binary())
    if pa.types.is_large_string(column.type):
        return column.cast(pa.large_binary())
    return column
