"""Rows of Parquet files, read by row group and, within one, by small batches of the columns that are named."""

from collections.abc import Iterator
from typing import Any

from kernels.reading.parsing.columns import ColumnsBombError, ColumnsBudget, batch_rows, damage, missing_column, recognise_batch
from kernels.reading.parsing.rows import Row, RowsConfig, documents
from kernels.reading.parsing.samples import SAMPLE_RECORDS
from kernels.specs.sources import Document, Recognised, Reject, SourceFile, SourceFormat

BATCH_BYTES = 1 << 23
"""About how much of a row group is decoded at one time, by the mean size of its rows."""


class ParquetConfig(RowsConfig):
    """Which columns of a table make a document; ``max_bytes`` bounds a text."""


def read(file: SourceFile, config: ParquetConfig) -> Iterator[Document | Reject]:
    """Stream the documents of a file; a row group that cannot be read is a reject, and the next is read."""
    yield from documents(_rows(file, config), config)


def _rows(file: SourceFile, config: ParquetConfig) -> Iterator[Row | Reject]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with file.open() as stream:
        try:
            budget = ColumnsBudget(stream)
            footer: Any = pq.read_metadata(stream)  # pyright: ignore[reportUnknownMemberType]
            fields: Any = footer.schema.to_arrow_schema()
            columns = [field.name for field in fields if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
            # dictionaries stay dictionaries: one of few long values would fill memory were it unpacked for all of its rows
            table = pq.ParquetFile(stream, metadata=footer, buffer_size=1 << 16, pre_buffer=False, read_dictionary=columns)
            names = table.schema_arrow.names
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            yield Reject("file", "damaged", damage(error))
            return
        with table:
            if reject := missing_column(names, config):
                yield reject
                return
            first = 0
            for group in range(table.num_row_groups):
                try:
                    yield from _group_rows(table, group, first, config, budget)
                except ColumnsBombError as error:
                    yield Reject(f"row group {group}", "bomb", f"{error}; what follows is not read")
                    return
                first += table.metadata.row_group(group).num_rows


def _group_rows(table: Any, group: int, first: int, config: ParquetConfig, budget: ColumnsBudget) -> Iterator[Row | Reject]:
    """Yield the rows of one row group of a ``pyarrow.parquet.ParquetFile``."""
    import pyarrow as pa

    about = table.metadata.row_group(group)
    mean_bytes = about.total_byte_size // max(about.num_rows, 1)
    num_rows = max(1, min(8192, BATCH_BYTES // max(mean_bytes, 1)))
    read = 0
    try:
        for batch in table.iter_batches(batch_size=num_rows, row_groups=[group], columns=list(config.fields), use_threads=False):
            yield from batch_rows(batch, config, first + read, f"row group {group}", budget)
            read += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        yield Reject(f"row group {group} from row {first + read}", "damaged", damage(error))


def recognise(file: SourceFile) -> Recognised | None:
    """Return which column of a table is text, None where it has none or is no table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with file.open() as stream:
            table: Any = pq.ParquetFile(stream, pre_buffer=False)
            names = [field.name for field in table.schema_arrow if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
            batch = next(table.iter_batches(batch_size=SAMPLE_RECORDS, columns=names, use_threads=False), None) if names else None
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return None
    return recognise_batch(batch)


SPEC = SourceFormat(name="parquet", version=2, config=ParquetConfig, patterns=("*.parquet",), read=read, is_compressible=False, recognise=recognise)
