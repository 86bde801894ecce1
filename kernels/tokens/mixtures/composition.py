"""What a mixture is composed of, source by source, in exact counts: ``composition.parquet``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from kernels.tokens.mixtures.config import MixtureConfig
from kernels.tokens.mixtures.index import shares_of

USED = 0.995
"""Share of positions that packing fills whatever the documents are, where the last row of a source does not count."""


class SourceParts(NamedTuple):
    """What one source gives."""

    num_documents: int
    """Of the training split, taken or not."""
    num_tokens: int
    """Theirs."""
    num_train_documents: int
    """Of them, those that are taken at least in part."""
    num_train_tokens: int
    num_train_rows: int
    num_validation_documents: int
    num_validation_tokens: int
    num_validation_rows: int


def write_composition(parts: Mapping[str, SourceParts], config: MixtureConfig, path: Path) -> None:
    """Write one row a source; ``share`` is that at the beginning of a training."""
    shares = shares_of(config.weights)
    rows: list[dict[str, Any]] = [
        {
            "source": source,
            "share": float(shares.get(source, 0)),
            "max_epochs": config.epochs_of(source),
            "num_train_documents": part.num_train_documents,
            "num_train_tokens": part.num_train_tokens,
            "num_train_rows": part.num_train_rows,
            "used": part.num_train_tokens / (part.num_train_rows * config.sequence_length),
            "num_documents_cut_off": part.num_documents - part.num_train_documents,
            "num_tokens_cut_off": part.num_tokens - part.num_train_tokens,
            "num_validation_documents": part.num_validation_documents,
            "num_validation_tokens": part.num_validation_tokens,
            "num_validation_rows": part.num_validation_rows,
        }
        for source, part in parts.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), path, compression="zstd")  # pyright: ignore[reportUnknownMemberType]


def underfilled(parts: Mapping[str, SourceParts], config: MixtureConfig) -> str:
    """Return the sources of so few rows that what is missing to the last one counts, with their rows and the share of positions used; or none."""
    used = {source: part.num_train_tokens / (part.num_train_rows * config.sequence_length) for source, part in parts.items()}
    told = [f"{source} ({parts[source].num_train_rows} rows, {share:.1%} used)" for source, share in used.items() if share < USED]
    return ", ".join(told) or "none"
