"""Arrow record batches as rows. Batches come from files of strangers: their offsets are checked before any value is looked at.

What they unpack to is bounded by how long the file is, since a few bytes may stand for millions of rows or for one long value over and over.
"""

from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from kernels.reading.parsing.rows import Row, RowsConfig
from kernels.reading.parsing.samples import SAMPLE_RECORDS, fields_told
from kernels.specs.sources import Recognised, Reject

NUM_ROWS_AT_ONCE = 64
"""Rows that are Python values at one time: a dictionary of few long strings may stand for many rows."""
SLACK_ROWS = 10_000
"""Rows that a file may have however short it is; each further one has at least a byte of the file."""
MAX_RATIO = 200
"""Bytes of values for each byte of the file, at which it is a bomb: as for archives (`kernels.reading.code.members`)."""
DECODED_BYTES = 1 << 25
"""Values of a batch that are taken out of their dictionaries at one time; of more, only `NUM_ROWS_AT_ONCE`."""
OBJECT_BYTES = 16
SLACK_BYTES = 1 << 26
"""Bytes of values that any file may have."""


class ColumnsBombError(Exception):
    """A file stands for more rows or bytes than its length permits."""


class ColumnsBudget:
    """How many rows and bytes of values a file may have, by its own length."""

    def __init__(self, stream: BinaryIO) -> None:
        """Measure a file, and go back to where it was."""
        place = stream.tell()
        self._size = stream.seek(0, 2)
        stream.seek(place)
        self._num_rows = self._num_bytes = 0

    def spend(self, num_rows: int, num_bytes: int) -> None:
        """Count rows and bytes. Raises ColumnsBombError past what is permitted."""
        self._num_rows += num_rows
        self._num_bytes += num_bytes
        if self._num_rows > SLACK_ROWS + self._size:
            raise ColumnsBombError(f"{self._num_rows} rows or more in {self._size} bytes")
        if self._num_bytes > SLACK_BYTES + MAX_RATIO * self._size:
            raise ColumnsBombError(f"{self._num_bytes} bytes of values or more in {self._size} bytes")


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


def batch_rows(batch: Any, config: RowsConfig, first: int, place: str, budget: ColumnsBudget) -> Iterator[Row | Reject]:
    """Yield the rows of a ``pyarrow.RecordBatch``, numbered from ``first``; strings stay bytes, which the row's reader decodes.

    Raises:
        ColumnsBombError: the file has more rows or bytes than its length permits.
    """
    import pyarrow as pa

    budget.spend(batch.num_rows, 0)
    try:
        columns = {name: _as_bytes(batch.column(name)) for name in config.fields}
        for column in columns.values():
            column.validate(full=True)
        too_large = _sizes_above(columns[config.text_field], config.max_bytes)
    except pa.ArrowException as error:
        yield Reject(place, "damaged", damage(error))
        return
    if too_large:
        columns[config.text_field] = _without(columns[config.text_field], too_large)
    size = sum(map(_weight, columns.values()))
    budget.spend(0, size)
    if size <= DECODED_BYTES:
        columns = {name: _decoded(column) for name, column in columns.items()}
    for start in range(0, batch.num_rows, NUM_ROWS_AT_ONCE):
        values = {name: _decoded(column.slice(start, NUM_ROWS_AT_ONCE)).to_pylist() for name, column in columns.items()}
        for index in range(min(NUM_ROWS_AT_ONCE, batch.num_rows - start)):
            name = f"row {first + start + index}"
            if too_large and (num_bytes := too_large.get(start + index)):
                yield Reject(name, "too_large", f"{num_bytes} bytes; at most {config.max_bytes} are read")
            else:
                yield Row(name, {field: column[index] for field, column in values.items()})


def _decoded(column: Any) -> Any:
    """Return a dictionary's values one a row, any other column as it is."""
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def recognise_batch(batch: Any) -> Recognised | None:
    """Return which string column of a batch, if any, is text by its first rows."""
    import pyarrow as pa

    if batch is None:
        return None
    names = [field.name for field in batch.schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    rows = [
        dict(zip(names, values, strict=True)) for values in zip(*(batch.column(name)[:SAMPLE_RECORDS].to_pylist() for name in names), strict=True)
    ]
    told = fields_told(rows) if len(set(names)) == len(names) else None
    return None if told is None else Recognised(told, f"a table with text in the column {told['text_field']!r}")


def _as_bytes(column: Any) -> Any:
    """Return strings as bytes without a copy, also those that a dictionary holds, any other column as it is."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        dictionaries: Any = pa.DictionaryArray
        return dictionaries.from_arrays(column.indices, _as_bytes(column.dictionary), safe=False)  # validated before it is read
    if pa.types.is_string(column.type):
        return column.cast(pa.binary())
    if pa.types.is_large_string(column.type):
        return column.cast(pa.large_binary())
    return column


def _sizes_above(column: Any, max_bytes: int) -> dict[int, int]:
    """Return the sizes of a dictionary's values that are longer, by row: they are not to be unpacked once for each of their rows."""
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute

    if not pa.types.is_dictionary(column.type) or not _is_binary(column.dictionary.type):
        return {}
    lengths: Any = pc.binary_length(column.dictionary)
    if (pc.max(lengths).as_py() or 0) <= max_bytes:
        return {}
    rows = lengths.take(column.indices).to_pylist()
    return {row: size for row, size in enumerate(rows) if size is not None and size > max_bytes}


def _without(column: Any, rows: Collection[int]) -> Any:
    """Return a dictionary column with null in some rows."""
    import pyarrow as pa

    kept: list[Any] = [None if row in rows else value for row, value in enumerate(column.indices.to_pylist())]
    dictionaries: Any = pa.DictionaryArray
    return dictionaries.from_arrays(pa.array(kept, column.indices.type), column.dictionary)


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _weight(column: Any) -> int:
    """Return about how many bytes a column's values have, each value counted as often as it is told; nulls and numbers count as one."""
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute

    kind = column.type
    if _is_binary(kind):
        return (pc.sum(pc.binary_length(column)).as_py() or 0) + len(column)
    if pa.types.is_dictionary(kind):
        if _is_binary(column.dictionary.type):
            return (pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0) + len(column)
        return _repeated(column.dictionary, len(column))
    if pa.types.is_run_end_encoded(kind):
        return _repeated(column.values, len(column))
    if pa.types.is_struct(kind):
        return sum(_weight(column.field(index)) for index in range(kind.num_fields)) + len(column)
    if pa.types.is_nested(kind) and not pa.types.is_union(kind):
        lengths = pc.list_value_length(column)
        return _repeated(column.values if not pa.types.is_map(kind) else column.items, pc.sum(lengths).as_py() or 0) + len(column)
    return len(column)


def _repeated(values: Any, count: int) -> int:
    """Return about how many bytes that many of some values have, as Python holds them."""
    return OBJECT_BYTES * count + count * _weight(values) // max(len(values), 1)
