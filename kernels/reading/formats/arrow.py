"""Rows of Arrow IPC files and streams (Feather 2 too), read by record batch: https://arrow.apache.org/docs/format/Columnar.html."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kernels.reading.parsing.columns import ColumnsBombError, ColumnsBudget, batch_rows, damage, missing_column, recognise_batch
from kernels.reading.parsing.rows import Row, RowsConfig, documents
from kernels.specs.sources import Document, Recognised, Reject, SourceFile, SourceFormat

if TYPE_CHECKING:
    import pyarrow as pa

_FILE_MAGIC = b"ARROW1"


class ArrowConfig(RowsConfig):
    """Which columns of a table make a document; ``max_bytes`` bounds a text."""


def read(file: SourceFile, config: RowsConfig) -> Iterator[Document | Reject]:
    """Stream the documents of a file; what stands behind a damaged batch, or one that unpacks to more than the file permits, is not read."""
    yield from documents(_rows(file, config), config)


def _rows(file: SourceFile, config: RowsConfig) -> Iterator[Row | Reject]:
    import pyarrow as pa

    with file.open() as stream:
        first = number = 0
        budget = ColumnsBudget(stream)
        try:
            names, batches = _batches(stream)
            if reject := missing_column(names, config):
                yield reject
                return
            for batch in batches:
                yield from batch_rows(batch, config, first, f"batch {number}", budget)
                first += batch.num_rows
                number += 1
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            yield Reject(f"batch {number}", "damaged", damage(error))
        except ColumnsBombError as error:
            yield Reject(f"batch {number}", "bomb", f"{error}; what follows is not read")


def _batches(stream: Any) -> "tuple[list[str], Iterator[pa.RecordBatch]]":
    """Return the column names and the batches of a file in either form."""
    import pyarrow as pa

    is_file = stream.read(len(_FILE_MAGIC)) == _FILE_MAGIC
    stream.seek(0)
    if not is_file:
        reader = pa.ipc.open_stream(stream)
        return reader.schema.names, iter(reader)
    table = pa.ipc.open_file(stream)
    return table.schema.names, (table.get_batch(index) for index in range(table.num_record_batches))


def recognise(file: SourceFile) -> Recognised | None:
    """Return which column of a table is text, None where it has none or is no table."""
    import pyarrow as pa

    try:
        with file.open() as stream:
            return recognise_batch(next(_batches(stream)[1], None))
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return None


SPEC = SourceFormat(
    name="arrow", version=2, config=ArrowConfig, patterns=("*.arrow", "*.feather", "*.arrows"), read=read, is_compressible=False, recognise=recognise
)
