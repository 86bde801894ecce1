"""Duplicates within a partition and against all earlier ones: first come, first kept.

A document is a duplicate when any document before it (earlier partitions in order, then its own partition's earlier rows, dropped or not)
has the same normalised text, or shares a MinHash band and an estimated Jaccard similarity of at least ``min_similarity``. So what is kept
depends only on the order of documents, never on how they were cut into partitions, and old partitions never change. Of the documents that
share one band, only the first ``max_candidates`` are compared: near-identical documents by the thousand stay linear.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from kernels.curation.deduplication.chains import duplicates_table
from kernels.curation.deduplication.minhash import MinHashConfig
from kernels.specs.config import Config


class DedupConfig(Config):
    """How alike two documents must be for the later one to go."""

    minhash: MinHashConfig
    """Shape of the signatures."""
    min_similarity: float = Field(gt=0, le=1)
    """Least estimated Jaccard similarity of shingle sets; Lee et al. 2021 take 0.8."""
    max_candidates: int = Field(default=1000, gt=0, lt=1 << 31)
    """How many documents, from the first on, one is compared with in each band that it shares: bounds the time of masses of one template."""


def write_index(documents: pa.Table, config: DedupConfig, folder: Path) -> None:
    """Write the index of a partition's documents into an existing folder: what `find_duplicates` takes."""
    write_index_in_pieces([documents], documents.num_rows, config, folder)


def write_index_in_pieces(tables: Iterable[pa.Table], num_rows: int, config: DedupConfig, folder: Path) -> None:
    """Write the same index of documents that come table by table, ``num_rows`` in all; one table's texts are in memory at a time."""
    from kernels.curation.deduplication.signature_index import write_signature_index

    write_signature_index(tables, num_rows, config.minhash, folder)


def find_duplicates(own: Path, earlier: Sequence[Path], config: DedupConfig) -> pa.Table:
    """Return own documents that an earlier one matches (schema `DUPLICATES`), in order.

    ``own`` and ``earlier`` (in order of arrival) are folders by `write_index`. Memory is bounded by the own partition.

    Raises:
        ValueError: an index was made with another config.
    """
    from kernels.curation.deduplication.first_matches import SignatureSearch

    search = SignatureSearch([*earlier, own], config.minhash, config.min_similarity, config.max_candidates)
    return duplicates_table(search.match_last(), search.match, search.ids)
