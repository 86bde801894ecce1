"""Contamination: documents that share a run of n words with an evaluation's texts.

The default n = 13 is that of Brown et al. 2020 (arXiv 2005.14165, appendix C). Texts are compared in lower case and without
punctuation, by 64-bit hashes of word n-grams. An evaluation text of fewer than n words is matched whole; one of fewer than 8 words
says too little and matches nothing.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernels.curation.text.shingles import Ngrams, ngrams, normalise
from kernels.curation.text.string_buffers import batches, flat_bytes

if TYPE_CHECKING:
    import polars as pl

MIN_WORDS = 8
_PREFIX_BITS = 22
_PREFIX_SHIFT = np.uint64(64 - _PREFIX_BITS)

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]


class _Hits(NamedTuple):
    """Shared n-grams: the row of the document, the number of the evaluation text, and the words."""

    rows: list[int]
    evals: list[int]
    words: list[str]


class _Table(NamedTuple):
    """Hashes of all n-grams of one length: ascending, with the evaluation text of each, and which prefixes occur."""

    n: int
    hashes: U64
    owners: I64
    prefixes: NDArray[np.bool_]


class EvalIndex(NamedTuple):
    """The n-grams of evaluation texts, one table a length."""

    num_texts: int
    tables: tuple[_Table, ...]


def index_evals(eval_texts: Sequence[str], n: int = 13) -> EvalIndex:
    """Return the n-grams of evaluation texts, to be looked for in documents.

    Raises:
        ValueError: ``n`` is less than 8.
    """
    import polars as pl

    if n < MIN_WORDS:
        raise ValueError(f"n-grams of {n} words would match by chance: n must be at least {MIN_WORDS}")
    evals = normalise(pl.Series(eval_texts, dtype=pl.String))
    num_words = evals.str.count_matches(" ", literal=True).to_numpy() + 1
    tables: list[_Table] = []
    for length in range(MIN_WORDS, n + 1):
        wanted = np.flatnonzero(num_words >= n if length == n else num_words == length)
        if len(wanted):
            hashes, owners = _eval_table(evals, wanted, length)
            # Most n-grams are in no evaluation: prefixes turn them away before the binary search.
            prefixes = np.zeros(1 << _PREFIX_BITS, bool)
            prefixes[hashes >> _PREFIX_SHIFT] = True
            tables.append(_Table(length, hashes, owners, prefixes))
    return EvalIndex(len(eval_texts), tuple(tables))


def find_contaminated(documents: pa.Table, index: EvalIndex) -> "pl.DataFrame":
    """Return one row a document and evaluation text that share an n-gram: id, eval_index (of the texts indexed), ngram (the first shared).

    Documents are of schema `kernels.documents.schema.DOCUMENTS`. Rows are in order of documents, then of evaluation texts.
    """
    import polars as pl

    texts = normalise(cast(pl.Series, pl.from_arrow(documents["text"])))  # pyright: ignore[reportUnknownMemberType]
    frames = [_frame(_Hits([], [], [])), *(_frame(_hits(texts, table)) for table in index.tables)]
    first = pl.concat(frames).unique(["row", "eval_index"], keep="first", maintain_order=True).sort("row", "eval_index")
    ids = cast(pl.Series, pl.from_arrow(documents["id"])).gather(first["row"])  # pyright: ignore[reportUnknownMemberType]
    return first.select(ids.alias("id"), "eval_index", "ngram")


def _flat_ngrams(texts: "pl.Series", n: int) -> Iterator[tuple[int, NDArray[np.uint8], Ngrams]]:
    """Yield the first row, the bytes and the n-grams of each batch of normalised texts."""
    for start, end in batches(texts):
        data, offsets = flat_bytes(texts[start:end])
        yield start, data, ngrams(data, offsets, n, whole=False)


def _eval_table(evals: "pl.Series", wanted: I64, n: int) -> tuple[U64, I64]:
    """Return n-gram hashes of the wanted evaluation texts, ascending, and the text of each; a hash in two texts stands twice."""
    hashes: list[U64] = []
    owners: list[I64] = []
    for start, _, grams in _flat_ngrams(evals.gather(wanted), n):
        hashes.append(grams.hashes)
        owners.append(wanted[start + np.repeat(np.arange(len(grams.offsets) - 1), np.diff(grams.offsets))])
    flat, owner = np.concatenate(hashes), np.concatenate(owners)
    order = np.argsort(flat, kind="stable")
    return flat[order], owner[order]


def _hits(texts: "pl.Series", table: _Table) -> _Hits:
    """Return shared n-grams of one length, in order of place in the documents."""
    hits = _Hits([], [], [])
    for start, data, grams in _flat_ngrams(texts, table.n):
        maybe = np.flatnonzero(table.prefixes[grams.hashes >> _PREFIX_SHIFT])
        low = np.searchsorted(table.hashes, grams.hashes[maybe], side="left")
        high = np.searchsorted(table.hashes, grams.hashes[maybe], side="right")
        for place, begin, end in zip(maybe[high > low], low[high > low], high[high > low], strict=True):
            row = start + int(np.searchsorted(grams.offsets, place, side="right")) - 1  # pyright: ignore[reportUnknownArgumentType]
            words = data[grams.starts[place] : grams.ends[place]].tobytes().decode()
            for owner in table.owners[begin:end].tolist():
                hits.rows.append(row)
                hits.evals.append(owner)
                hits.words.append(words)
    return hits


def _frame(hits: _Hits) -> "pl.DataFrame":
    import polars as pl

    schema = {"row": pl.Int64(), "eval_index": pl.Int64(), "ngram": pl.String()}
    return pl.DataFrame({"row": hits.rows, "eval_index": hits.evals, "ngram": hits.words}, schema=schema)
