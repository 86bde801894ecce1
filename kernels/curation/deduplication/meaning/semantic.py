"""Semantic deduplication: documents that say the same in other words (SemDeDup: Abbas et al. 2023, arXiv 2303.09540). First come, first kept.

A document is a duplicate when any document before it (earlier partitions in order, then its own partition's earlier rows, dropped or not)
is in one of its clusters and has a cosine of at least ``min_cosine`` to it. Where SemDeDup clusters by k-means over the whole corpus, clusters
here are the cells between seeded hyperplanes (Charikar 2002), several times over: they stay what they are when new partitions come. Within
a cluster all pairs are compared, as there.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernels.curation.deduplication.arrow_files import fixed_binaries, write_arrow
from kernels.curation.deduplication.chains import duplicates_table
from kernels.curation.deduplication.meaning.config import SemanticConfig, index_config
from kernels.curation.deduplication.meaning.search import SemanticSearch
from kernels.curation.text.shingles import mix


def write_vectors(ids: Any, vectors: NDArray[np.int8], config: SemanticConfig, folder: Path) -> None:
    """Write N ids, their vectors [N, D] and the clusters of these into an existing folder."""
    codes = cluster_codes(vectors, config)
    columns: list[Any] = [ids, fixed_binaries(vectors), fixed_binaries(codes)]
    metadata = {"semantic": index_config(config), "dimensions": str(vectors.shape[1])}
    write_arrow(pa.Table.from_arrays(columns, names=["id", "vector", "codes"]), folder / "vectors.arrow", metadata)


def cluster_codes(vectors: NDArray[np.int8], config: SemanticConfig) -> NDArray[np.uint16]:
    """Return the cluster of each of N vectors in each table: [N, num_tables]; planes have components of 1 and -1, so that sides are exact."""
    num_planes = config.num_tables * config.num_planes
    count = num_planes * vectors.shape[1]
    seed = mix(np.array([config.seed], np.uint64))
    signs = (mix(seed + np.arange(1, count + 1, dtype=np.uint64)) >> np.uint64(63)).astype(np.float32) * 2 - 1
    sides = vectors.astype(np.float32) @ signs.reshape(vectors.shape[1], num_planes) >= 0
    weights = 1 << np.arange(config.num_planes)
    return (sides.reshape(len(vectors), config.num_tables, config.num_planes) @ weights).astype("<u2")


def find_semantic_duplicates(own: Path, earlier: Sequence[Path], config: SemanticConfig) -> pa.Table:
    """Return own documents that mean what an earlier one means (schema `kernels.curation.deduplication.chains.DUPLICATES`), in order.

    ``own`` and ``earlier`` (in order of arrival) are folders by `write_semantic_index`. ``similarity`` is the cosine to the first match.

    Raises:
        ValueError: an index was made with another config.
    """
    search = SemanticSearch([*earlier, own], config)
    return duplicates_table(search.match_last(), search.match, search.ids)
