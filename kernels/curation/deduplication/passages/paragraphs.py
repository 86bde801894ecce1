"""Exact deduplication by paragraph: a paragraph that an earlier document has is cut out (CCNet, Wenzek et al. 2020, arXiv 1911.00359).

As there, a paragraph is a line, compared by a hash of its normalised text. Earlier documents are those above in the partition and those of
earlier partitions, known by an index of paragraph hashes. A document is dropped only if nothing is left of it, a conversation if nothing is
left of a turn. A paragraph that a document repeats itself is cut too, but none that a conversation does (stretches.py). Paragraphs of fewer than
``min_chars`` characters or ``min_words`` words stay, whoever has them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from kernels.curation.deduplication.arrow_files import map_checked, write_arrow
from kernels.curation.deduplication.hash_index import find_first_rows, open_hash_index, write_hash_index
from kernels.curation.deduplication.passages.cuts import CUTS
from kernels.curation.deduplication.passages.stretches import stretches_of
from kernels.specs.config import Config

I64 = NDArray[np.int64]


class ParagraphConfig(Config):
    """Which paragraphs are worth comparing."""

    min_chars: int = Field(ge=1)
    """Least characters of a paragraph."""
    min_words: int = Field(ge=1)
    """Least words of a paragraph, counted by white space; in scripts without spaces each character is one."""


class _Paragraphs(NamedTuple):
    """Paragraphs that count, in order: hash, row of the document, the span in its characters, and whether it is a conversation."""

    hashes: NDArray[np.uint64]
    rows: I64
    starts: I64
    ends: I64
    in_conversation: NDArray[np.bool_]


def write_paragraph_index(documents: pa.Table, config: ParagraphConfig, folder: Path) -> None:
    """Write the index of the paragraphs of documents (in order) into an existing folder."""
    paragraphs = _paragraphs(documents, config)
    unique, first = np.unique(paragraphs.hashes, return_index=True)
    write_hash_index(unique, paragraphs.rows[first], folder)
    write_arrow(documents.select(["id"]), folder / "ids.arrow", {"paragraphs": config.model_dump_json()})


def find_paragraphs(documents: pa.Table, earlier: Sequence[Path], config: ParagraphConfig) -> pa.Table:
    """Return the spans to cut (schema `CUTS`) of documents whose paragraphs were seen before, in order.

    ``earlier``: folders by `write_paragraph_index`, in order of arrival, looked up one at a time.

    Raises:
        ValueError: an index was made with another config.
    """
    own = _paragraphs(documents, config)
    unique, first, inverse = np.unique(own.hashes, return_index=True, return_inverse=True)
    kept_ids = np.full(len(unique), None, object)
    for folder in earlier:
        ids: Any = map_checked(folder / "ids.arrow", "paragraphs", config.model_dump_json())["id"]
        missing = np.flatnonzero(kept_ids == None)  # noqa: E711
        rows = find_first_rows(open_hash_index(folder), unique[missing])
        found = np.flatnonzero(rows >= 0)
        kept_ids[missing[found]] = ids.take(pa.array(rows[found])).to_pylist()
    seen_earlier = np.array([key is not None for key in kept_ids], bool)
    is_own_conversation = own.in_conversation & (own.rows[first[inverse]] == own.rows)
    is_cut = seen_earlier[inverse] | ((first[inverse] < np.arange(len(own.hashes))) & ~is_own_conversation)
    cut = np.flatnonzero(is_cut)
    own_ids = documents["id"].to_pylist()
    holders = [kept_ids[group] or own_ids[own.rows[first[group]]] for group in inverse[cut].tolist()]
    columns: list[Any] = [[own_ids[row] for row in own.rows[cut].tolist()], own.starts[cut], own.ends[cut], holders]
    return pa.table(dict(zip(CUTS.names, columns, strict=True)), schema=CUTS)


def _paragraphs(documents: pa.Table, config: ParagraphConfig) -> _Paragraphs:
    """Return the paragraphs of all documents that are long enough."""
    import polars as pl

    from kernels.curation.deduplication.exact import exact_hashes
    from kernels.curation.text.normalised import count_words

    stretches = stretches_of(documents)
    lines = (
        pl.DataFrame({"stretch": np.arange(len(stretches.texts)), "line": stretches.texts.str.split("\n")})
        .explode("line")
        .with_columns(length=pl.col("line").str.len_chars().cast(pl.Int64))
        .with_columns(end=(pl.col("length") + 1).cum_sum().over("stretch") - 1)
        .with_columns(start=pl.col("end") - pl.col("length"))
        .filter(pl.col("length") >= config.min_chars, count_words(pl.col("line")) >= config.min_words)
    )
    hashes = exact_hashes(lines["line"])
    stretch = lines["stretch"].to_numpy()
    rows, places = stretches.rows[stretch], stretches.starts[stretch]
    return _Paragraphs(hashes, rows, places + lines["start"].to_numpy(), places + lines["end"].to_numpy(), stretches.is_conversation[rows])
