"""Duplicates within a partition and against all earlier ones: first come, first kept.

A document is a duplicate when any document before it (earlier partitions in order, then its own partition's earlier rows, dropped or not)
has the same normalised text, or shares a MinHash band and has a Jaccard similarity of at least ``min_similarity``: that of the shingles
themselves, exact up to `kernels.curation.deduplication.minhash.MAX_SHINGLES` of them. So what is kept depends only on the order of
documents, never on how they were cut into partitions, and old partitions never change. Of the documents that share one band, only the
first ``max_candidates`` are compared: near-identical documents by the thousand stay linear.

Of a conversation all that is said in it counts, rejected answers too. Two pairs that differ in the rejected answer alone are two comparisons to
learn from, not one said twice: both stay, unless what differs is so little of the whole that ``min_similarity`` calls them nearly the same.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import pyarrow as pa
from pydantic import Field, model_validator

from kernels.curation.deduplication.chains import duplicates_table
from kernels.curation.deduplication.minhash import MinHashConfig, bands_for
from kernels.specs.config import Config


class DedupConfig(Config):
    """How alike two documents must be for the later one to go."""

    minhash: MinHashConfig
    """Shape of the signatures."""
    min_similarity: float = Field(gt=0, le=1)
    """Least Jaccard similarity of shingle sets; Lee et al. 2021 take 0.8."""
    max_candidates: int = Field(default=1000, gt=0, lt=1 << 31)
    """How many documents, from the first on, one is compared with in each band that it shares: bounds the time of masses of one template."""

    @model_validator(mode="after")
    def _bands_by_similarity(self) -> Self:
        """Shape the bands by the similarity that is asked, where the recipe leaves their shape open."""
        if not self.minhash.model_fields_set & {"num_buckets", "hashes_per_bucket"}:
            num_buckets, hashes_per_bucket = bands_for(self.min_similarity)
            shape = {"num_buckets": num_buckets, "hashes_per_bucket": hashes_per_bucket}
            object.__setattr__(self, "minhash", self.minhash.model_copy(update=shape))
        return self


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
