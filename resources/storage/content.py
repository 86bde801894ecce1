"""Content hashes: of what a file says, not of the bytes that say it.

A Parquet file's bytes vary with the library that wrote it, a safetensors header with key order. These hashes read the values, so that an
artifact made again with a newer library keeps its identity. BLAKE2b (RFC 7693), 128 bits, hex.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CHUNK_BYTES = 1 << 22
BLOCK_ROWS = 4096


def _hasher() -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=16)


def hash_text(*parts: str) -> str:
    """Return the hash of strings, each set off from the next."""
    hasher = _hasher()
    for part in parts:
        encoded = part.encode()
        hasher.update(len(encoded).to_bytes(8, "little"))
        hasher.update(encoded)
    return hasher.hexdigest()


def hash_json(value: Any) -> str:
    """Return the hash of a JSON value, whatever the order of its keys."""
    return hash_text(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def hash_bytes(path: Path) -> str:
    """Return the hash of a file's bytes."""
    hasher = _hasher()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()


def _update_array(hasher: "hashlib.blake2b", array: pa.Array) -> None:
    """Feed one array, chunking and offsets aside: validity, then lengths, then values."""
    hasher.update(f"{array.type}:{len(array)}:{array.null_count};".encode())
    if array.null_count:
        hasher.update(np.packbits(pc.is_valid(array).to_numpy(zero_copy_only=False)).tobytes())
    kind = array.type
    if pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            _update_array(hasher, pc.struct_field(array, [index]))
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        hasher.update(pc.list_value_length(array).fill_null(0).cast(pa.int64()).to_numpy(zero_copy_only=False).tobytes())
        _update_array(hasher, pc.list_flatten(array))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        empty = "" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else b""
        whole: Any = array.fill_null(empty).cast(pa.large_binary())
        hasher.update(pc.binary_length(whole).cast(pa.int64()).to_numpy(zero_copy_only=False).tobytes())
        offsets = np.frombuffer(whole.buffers()[1], dtype=np.int64)[whole.offset : whole.offset + len(whole) + 1]
        if len(whole) and offsets[-1] > offsets[0]:
            hasher.update(memoryview(whole.buffers()[2])[offsets[0] : offsets[-1]])
    elif pa.types.is_primitive(kind) and not pa.types.is_boolean(kind):
        zero = pa.array(np.zeros(1, f"i{kind.bit_width // 8}")).view(kind)[0]  # not every type has a cast from integers
        filled = array.fill_null(zero) if array.null_count else array
        hasher.update(np.ascontiguousarray(filled.to_numpy(zero_copy_only=False)).tobytes())
    else:
        hasher.update(json.dumps(array.to_pylist(), default=str).encode())


def _blocks(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Cut tables anew into blocks of `BLOCK_ROWS` rows, the last one shorter; a table without rows is one block."""
    held: list[pa.Table] = []
    num_rows = 0
    for table in tables:
        held.append(table)
        num_rows += table.num_rows
        while num_rows >= BLOCK_ROWS:
            whole = pa.concat_tables(held)
            yield whole.slice(0, BLOCK_ROWS)
            held, num_rows = [whole.slice(BLOCK_ROWS)], num_rows - BLOCK_ROWS
    yield pa.concat_tables(held)


def hash_tables(tables: Iterable[pa.Table]) -> str:
    """Return the hash of the rows of tables of one schema: column names, types and values. How they are cut does not count."""
    hasher = _hasher()
    for block in _blocks(tables):
        for name, column in zip(block.column_names, block.columns, strict=True):
            hasher.update(f"{name}=".encode())
            _update_array(hasher, pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type))
    return hasher.hexdigest()


def _hash_parquet(path: Path) -> str:
    with pq.ParquetFile(path) as file:
        groups = (file.read_row_group(group) for group in range(file.num_row_groups))
        return hash_tables(itertools.chain([file.schema_arrow.empty_table()], groups))


def _hash_npy(path: Path) -> str:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    hasher = _hasher()
    hasher.update(f"{array.dtype.str}:{array.shape};".encode())
    flat = array.reshape(-1)
    step = max(1, CHUNK_BYTES // max(1, array.itemsize))
    for start in range(0, len(flat), step):
        hasher.update(np.ascontiguousarray(flat[start : start + step]).tobytes())
    return hasher.hexdigest()


def _hash_safetensors(path: Path) -> str:
    """Names, types, shapes and values in order of name; the header's own order and padding do not count."""
    with path.open("rb") as stream:
        header_size = int.from_bytes(stream.read(8), "little")
        header: dict[str, Any] = json.loads(stream.read(header_size))
        header.pop("__metadata__", None)
        hasher = _hasher()
        for name in sorted(header):
            start, end = header[name]["data_offsets"]
            hasher.update(f"{name}:{header[name]['dtype']}:{header[name]['shape']};".encode())
            stream.seek(8 + header_size + start)
            remaining = end - start
            while remaining:
                chunk = stream.read(min(CHUNK_BYTES, remaining))
                if not chunk:
                    raise ValueError(f"{path}: tensor {name} is cut off {remaining} bytes early; the file is damaged, make it again")
                hasher.update(chunk)
                remaining -= len(chunk)
    return hasher.hexdigest()


def _hash_config_json(path: Path) -> str:
    """A JSON file; the version stamp that Transformers leaves in its configs is the library's, not the model's."""
    value = json.loads(path.read_text())
    if isinstance(value, dict):
        value.pop("transformers_version", None)
    return hash_json(value)


def hash_file(path: Path) -> str:
    """Return the content hash of one file by its kind: Parquet, npy, safetensors and JSON by value, all else by bytes."""
    match path.suffix:
        case ".parquet":
            return _hash_parquet(path)
        case ".npy":
            return _hash_npy(path)
        case ".safetensors":
            return _hash_safetensors(path)
        case ".json":
            return _hash_config_json(path)
        case _:
            return hash_bytes(path)


def hash_folder(folder: Path, leave_out: Iterable[str] = ()) -> str:
    """Return the hash of a folder's files by name and content, those named in ``leave_out`` aside."""
    skipped = set(leave_out)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return hash_text(*(part for name in names if name not in skipped for part in (name, hash_file(folder / name))))
