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
from pydantic import Field

from kernels.deduplication.arrow_files import fixed_binaries, write_arrow
from kernels.deduplication.chains import duplicates_table
from kernels.specs import Config
from kernels.text.shingles import mix


class SemanticConfig(Config):
    """How near two documents must be in meaning, and how they are clustered."""

    min_cosine: float = Field(gt=0, le=1)
    """Least cosine of two documents' vectors."""
    max_tokens: int = Field(default=256, gt=0)
    """Tokens of a document that are encoded, from its beginning; all-MiniLM-L6-v2 takes 256."""
    num_tables: int = Field(default=12, gt=0)
    """Times that documents are clustered. Of pairs at an angle a, 1 - (1 - (1 - a / 180 degrees) ** num_planes) ** num_tables share a cluster."""
    num_planes: int = Field(default=8, gt=0, le=16)
    """Hyperplanes that cut space into 2 ** num_planes clusters, each time: more planes, less to compare."""
    seed: int = Field(ge=0, lt=1 << 63)
    """Seed of the hyperplanes."""


def write_semantic_index(documents: pa.Table, model: Path, config: SemanticConfig, folder: Path) -> None:
    """Write the vectors and clusters of documents (in order) into an existing folder. ``model``: the folder of a sentence encoder."""
    from kernels.deduplication.embeddings import embed

    texts: list[Any] = documents["text"].to_pylist()
    write_vectors(documents["id"], embed(texts, model, config.max_tokens), config, folder)


def write_vectors(ids: Any, vectors: NDArray[np.int8], config: SemanticConfig, folder: Path) -> None:
    """Write N ids, their vectors [N, D] and the clusters of these into an existing folder."""
    codes = cluster_codes(vectors, config)
    columns: list[Any] = [ids, fixed_binaries(vectors), fixed_binaries(codes)]
    metadata = {"semantic": index_config(config), "dimensions": str(vectors.shape[1])}
    write_arrow(pa.Table.from_arrays(columns, names=["id", "vector", "codes"]), folder / "vectors.arrow", metadata)


def index_config(config: SemanticConfig) -> str:
    """Return, as JSON, what an index depends on: all but the threshold."""
    return config.model_dump_json(exclude={"min_cosine"})


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
    """Return own documents that mean what an earlier one means (schema `kernels.deduplication.chains.DUPLICATES`), in order.

    ``own`` and ``earlier`` (in order of arrival) are folders by `write_semantic_index`. ``similarity`` is the cosine to the first match.

    Raises:
        ValueError: an index was made with another config.
    """
    from kernels.deduplication.semantic_search import SemanticSearch

    search = SemanticSearch([*earlier, own], config)
    return duplicates_table(search.match_last(), search.match, search.ids)
