"""A partition's deduplication index: a folder of Arrow files that later partitions look up, mapped and never read whole.

``keys.arrow`` and ``filter.arrow`` (`kernels.curation.deduplication.hash_index`) hold a hash of the normalised text and one a band for
every document; ``rows.arrow`` the id, that hash, the signature and the shingles of each document by row, of which only candidates are touched.
"""

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


def write_signature_index(documents: pa.Table, config: MinHashConfig, folder: Path) -> None:
    """Write the index of documents (schema `kernels.documents.schema.DOCUMENTS`, in order) into an existing folder."""
    import polars as pl

    signed = sign(cast(pl.Series, pl.from_arrow(documents["text"])), config)  # pyright: ignore[reportUnknownMemberType]
    num_rows = len(signed.exact)
    columns: list[Any] = [documents["id"], pa.array(signed.exact, pa.uint64()), fixed_binaries(signed.signature), lists(*signed.shingles)]
    table = pa.Table.from_arrays(columns, names=["id", "exact", "signature", "shingles"])
    write_arrow(table, folder / "rows.arrow", {"minhash": config.model_dump_json()})
    keys = hash_keys(signed.exact, signed.signature, config)
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
