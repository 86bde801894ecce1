"""What a mixture is composed of, source by source, in exact counts: ``composition.parquet``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from kernels.tokens.mixtures.index import MixtureIndex, is_replayed, shares_of, source_of_rows

USED = 0.995
"""Share of positions that packing fills whatever the documents are, where the last row of a source does not count."""


class SourceParts(NamedTuple):
    """What one source gives, or what is replayed of it."""

    num_documents: int
    """Of the training split, taken or not; of those replayed, all that were trained on before."""
    num_tokens: int
    """Theirs."""
    num_train_documents: int
    """Of them, those that are taken at least in part."""
    num_train_tokens: int
    num_train_rows: int
    num_validation_documents: int
    num_validation_tokens: int
    num_validation_rows: int


def write_composition(parts: Mapping[str, SourceParts], index: MixtureIndex, path: Path) -> None:
    """Write one row a source, and one for what is replayed of it; ``parts`` by name of rows. ``share`` is that at the beginning of a training."""
    shares = shares_of(index.weights)
    rows: list[dict[str, Any]] = [
        {
            "source": source_of_rows(name),
            "is_replayed": is_replayed(name),
            "share": float(shares.get(name, 0)),
            "max_epochs": index.sources[name].max_epochs,
            "num_train_documents": part.num_train_documents,
            "num_train_tokens": part.num_train_tokens,
            "num_train_rows": part.num_train_rows,
            "used": part.num_train_tokens / (part.num_train_rows * index.sequence_length),
            "num_documents_cut_off": part.num_documents - part.num_train_documents,
            "num_tokens_cut_off": part.num_tokens - part.num_train_tokens,
            "num_validation_documents": part.num_validation_documents,
            "num_validation_tokens": part.num_validation_tokens,
            "num_validation_rows": part.num_validation_rows,
        }
        for name, part in parts.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), path, compression="zstd")  # pyright: ignore[reportUnknownMemberType]


def underfilled(parts: Mapping[str, SourceParts], index: MixtureIndex) -> str:
    """Return the sources of so few rows that what is missing to the last one counts, with their rows and the share of positions used; or none."""
    used = {source: part.num_train_tokens / (part.num_train_rows * index.sequence_length) for source, part in parts.items()}
    told = [f"{source} ({parts[source].num_train_rows} rows, {share:.1%} used)" for source, share in used.items() if share < USED]
    return ", ".join(told) or "none"
