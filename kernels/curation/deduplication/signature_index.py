"""A partition's deduplication index: a folder of Arrow files that later partitions look up, mapped and never read whole.

``keys.arrow`` and ``filter.arrow`` (`kernels.curation.deduplication.hash_index`) hold a hash of the normalised text and one a band for
every document; ``rows.arrow`` the id, that hash, the signature and the shingles of each document by row, of which only candidates are touched.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernels.curation.deduplication.arrow_files import fixed_binaries, fixed_values, list_values, lists, map_checked, write_arrow
from kernels.curation.deduplication.hash_index import HashIndex, open_hash_index, write_hash_index
from kernels.curation.deduplication.minhash import MinHashConfig, Shingles, band_hashes, sign


class SignatureIndex(NamedTuple):
    """The mapped index of one partition of N documents."""

    hashes: HashIndex
    ids: Any
    """A chunked array of N strings."""
    exact: NDArray[np.uint64]
    signature: NDArray[np.uint32]
    """[N, num_hashes]."""
    shingles: Shingles


def write_signature_index(tables: Iterable[pa.Table], num_rows: int, config: MinHashConfig, folder: Path) -> None:
    """Write the index of documents (columns id and text) into an existing folder.

    The documents come in tables, in order, ``num_rows`` in all; one table's texts are in memory at a time. What is kept of each document is its
    id and about 600 bytes.

    Raises:
        ValueError: there are more or fewer documents than ``num_rows``.
    """
    import polars as pl

    exact, signature = np.empty(num_rows, np.uint64), np.empty((num_rows, config.num_hashes), np.uint32)
    keys = np.empty((num_rows, 1 + config.num_buckets), np.uint64)
    ids: list[Any] = []
    shingles: list[Any] = []
    start = 0
    for table in tables:
        end = start + table.num_rows
        if end > num_rows:
            break
        signed = sign(cast(pl.Series, pl.from_arrow(table["text"])), config)  # pyright: ignore[reportUnknownMemberType]
        exact[start:end], signature[start:end] = signed.exact, signed.signature
        keys[start:end] = hash_keys(signed.exact, signed.signature, config)
        ids += table["id"].chunks
        shingles.append(lists(*signed.shingles))
        start = end
    if start != num_rows or sum(map(len, ids)) != num_rows:
        raise ValueError(f"{folder}: the documents are not {num_rows} as announced; count them anew")
    columns: list[Any] = [pa.chunked_array(ids, pa.string()), pa.array(exact, pa.uint64()), fixed_binaries(signature), pa.chunked_array(shingles)]
    rows = pa.Table.from_arrays(columns, names=["id", "exact", "signature", "shingles"])
    write_arrow(rows, folder / "rows.arrow", {"minhash": config.model_dump_json()})
    del columns, rows, ids, exact, signature, shingles
    write_hash_index(keys.ravel(), np.repeat(np.arange(num_rows, dtype=np.uint32), keys.shape[1]), folder)


def hash_keys(exact: NDArray[np.uint64], signature: NDArray[np.uint32], config: MinHashConfig) -> NDArray[np.uint64]:
    """Return what N documents are found by: [N, 1 + num_buckets]."""
    return np.column_stack([exact, band_hashes(signature, config)])


def open_signature_index(folder: Path, config: MinHashConfig) -> SignatureIndex:
    """Return the index of a folder.

    Raises:
        ValueError: it was made with another config.
    """
    table = map_checked(folder / "rows.arrow", "minhash", config.model_dump_json())
    signature = fixed_values(table["signature"], config.num_hashes, "<u4")
    shingles = Shingles(*list_values(table["shingles"], np.uint32))
    return SignatureIndex(open_hash_index(folder), table["id"], table["exact"].to_numpy(), signature, shingles)
