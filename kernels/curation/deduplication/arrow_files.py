"""Tables on disk that are mapped into memory instead of read: Arrow IPC files, uncompressed, one record batch each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def write_arrow(table: pa.Table, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a table as one record batch, so that each column is one span of the file."""
    whole = table.replace_schema_metadata(dict(metadata or {})).combine_chunks()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, whole.schema) as writer:
        writer.write_table(whole, max_chunksize=max(1, whole.num_rows))


def map_arrow(path: Path) -> pa.Table:
    """Return a written table, its columns mapped into memory."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def map_checked(path: Path, key: str, config: str) -> pa.Table:
    """Return a written table, mapped, whose metadata say under ``key`` that it was made with this config (JSON).

    Raises:
        ValueError: it was made with another one.
    """
    table = map_arrow(path)
    made_with = (table.schema.metadata or {}).get(key.encode(), b"").decode()
    if made_with != config:
        raise ValueError(f"{path}: the index was made with another config ({made_with}) than {config}: make it anew")
    return table


def fixed_binaries(values: NDArray[Any]) -> Any:
    """Return [N, W] values as an array of N binaries of fixed size, little-endian."""
    width = values.shape[1] * values.dtype.itemsize
    data: Any = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    return cast(Any, pa.FixedSizeBinaryArray).from_buffers(pa.binary(width), len(values), [None, pa.py_buffer(data)])


def fixed_values(column: Any, width: int, dtype: str) -> NDArray[Any]:
    """Return a written column of N binaries as [N, width] values, still mapped."""
    parts = [np.frombuffer(chunk.buffers()[1], dtype)[: len(chunk) * width] for chunk in column.chunks if len(chunk)]
    return (parts[0] if parts else np.zeros(0, dtype)).reshape(len(column), width)


def lists(values: NDArray[Any], offsets: NDArray[np.int64]) -> Any:
    """Return N lists, given end to end with N + 1 offsets, as one array."""
    return cast(Any, pa.LargeListArray).from_arrays(pa.array(offsets, pa.int64()), pa.array(values))


def list_values(column: Any, dtype: type[np.generic]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return a written column of N lists as its values end to end and the N + 1 offsets, still mapped."""
    if not len(column):
        return np.zeros(0, dtype), np.zeros(1, np.int64)
    (chunk,) = column.chunks  # `write_arrow` writes one record batch
    return chunk.values.to_numpy(), chunk.offsets.to_numpy()
