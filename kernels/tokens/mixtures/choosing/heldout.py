"""The texts of held-out documents, for evaluation."""

import heapq
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from kernels.documents.conversations import without_rejected
from kernels.documents.pieces import text_of
from kernels.specs.turns import Turn
from kernels.tokens.mixtures.config import MixtureConfig, draw

HELDOUT = pa.schema([(name, pa.string()) for name in ("id", "source", "text")])


def write_heldout(documents: Iterable[pa.Table], held: Collection[str], config: MixtureConfig, path: Path) -> int:
    """Write the text of held-out documents by id, those of least hash where there are more than the config takes, and return how many.

    That of a conversation is what a model may be taught to say of it: without the answers that people liked less.
    """
    chosen = heapq.nsmallest(config.max_heldout_documents, _held_out(documents, held, config), key=lambda found: found[:2])
    rows = [row for _, _, row in chosen]
    for row in rows:
        if (turns := row.pop("turns")) is not None:
            row["text"] = text_of(without_rejected(Turn(**turn) for turn in turns))
    pq.write_table(pa.Table.from_pylist(rows, schema=HELDOUT), path, compression="zstd")  # pyright: ignore[reportUnknownMemberType]
    return len(rows)


def _held_out(documents: Iterable[pa.Table], held: Collection[str], config: MixtureConfig) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield the hash, id and row of each document that is held out."""
    for table in documents:
        ids = cast(list[str], table["id"].to_pylist())
        chosen: Any = pa.array([document_id in held for document_id in ids], pa.bool_())
        for row in table.select([*HELDOUT.names, "turns"]).filter(chosen).to_pylist():
            yield draw(row["id"], config.seed), row["id"], row
