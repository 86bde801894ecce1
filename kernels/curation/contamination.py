"""Contamination: documents that share a run of n words with an evaluation's item, or hold a shorter item whole.

The default n = 13 is that of Brown et al. 2020 (arXiv 2005.14165, appendix C). Texts are compared in lower case and without
punctuation, signs, markup and separators of thousands, in Unicode's compatible form (NFKC), by 64-bit hashes of runs of words. In scripts
without spaces two characters of Han or kana count as a word, and four
of Thai, Lao, Khmer, Myanmar or Tibetan.

A text of fewer than n words is matched whole. A part of an item, such as its question, says too little below `MIN_PART_WORDS`; the item as
a whole, the question with an option behind it, below `MIN_WHOLE_WORDS`. An item none of whose texts is so long cannot be looked for.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernels.curation.text.normalised import normalise
from kernels.curation.text.shingles import WORD_WEIGHT, Runs, runs, text_weights
from kernels.curation.text.string_buffers import batches, flat_bytes

if TYPE_CHECKING:
    import polars as pl

MIN_PART_WORDS = 8
MIN_WHOLE_WORDS = 5
_TAG = r"</?[A-Za-z][^<>]{0,200}>|&(?:[A-Za-z]{2,8}|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,5});"
_INVISIBLE = "[\u00ad\u200b-\u200f\u2060\ufeff]"
_THOUSANDS = "([0-9]),([0-9]{3})"
_PREFIX_BITS = 22
_PREFIX_SHIFT = np.uint64(64 - _PREFIX_BITS)

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]


class EvalText(NamedTuple):
    """One text of an evaluation's item: a part of it, or the item as a whole."""

    item: int
    whole: bool
    text: str


class _Hits(NamedTuple):
    """Shared runs: the row of the document, the item, and the words."""

    rows: list[int]
    items: list[int]
    words: list[str]


class _Table(NamedTuple):
    """Hashes of all runs of one weight: ascending, with the item of each, and which prefixes occur."""

    weight: int
    hashes: U64
    owners: I64
    prefixes: NDArray[np.bool_]


class EvalIndex(NamedTuple):
    """The runs of evaluations' texts, one table a weight."""

    tables: tuple[_Table, ...]


def is_searchable(texts: Sequence[EvalText]) -> list[bool]:
    """Return which texts are long enough to be looked for."""
    return (_weights(_normalised(texts)) >= _floors(texts)).tolist()


def index_evals(texts: Sequence[EvalText], n: int = 13) -> EvalIndex:
    """Return the runs of n words of evaluations' texts, and the shorter texts whole, to be looked for in documents.

    Raises:
        ValueError: ``n`` is less than `MIN_PART_WORDS`.
    """
    if n < MIN_PART_WORDS:
        raise ValueError(f"n-grams of {n} words would match by chance: n must be at least {MIN_PART_WORDS}")
    plain = _normalised(texts)
    weights, items = _weights(plain), np.array([text.item for text in texts], np.int64)
    searched = np.minimum(weights, n * WORD_WEIGHT)
    searched[weights < _floors(texts)] = 0
    tables: list[_Table] = []
    for weight in np.unique(searched[searched > 0]).tolist():
        wanted = np.flatnonzero(searched == weight)
        hashes, owners = _eval_table(plain, wanted, items, weight)
        # Most runs are in no evaluation: prefixes turn them away before the binary search.
        prefixes = np.zeros(1 << _PREFIX_BITS, bool)
        prefixes[hashes >> _PREFIX_SHIFT] = True
        tables.append(_Table(weight, hashes, owners, prefixes))
    return EvalIndex(tuple(tables))


def find_contaminated(documents: pa.Table, index: EvalIndex) -> "pl.DataFrame":
    """Return one row a document and item that share words: id, item (as in the texts indexed), ngram (the first shared).

    Documents are of schema `kernels.documents.schema.DOCUMENTS`. Rows are in order of documents, then of items.
    """
    import polars as pl

    texts = normalise(_plain(cast(pl.Series, pl.from_arrow(documents["text"]))), "words")  # pyright: ignore[reportUnknownMemberType]
    frames = [_frame(_Hits([], [], [])), *(_frame(_hits(texts, table)) for table in index.tables)]
    first = pl.concat(frames).unique(["row", "item"], keep="first", maintain_order=True).sort("row", "item")
    ids = cast(pl.Series, pl.from_arrow(documents["id"])).gather(first["row"])  # pyright: ignore[reportUnknownMemberType]
    return first.select(ids.alias("id"), "item", "ngram")


def _normalised(texts: Sequence[EvalText]) -> "pl.Series":
    import polars as pl

    return normalise(_plain(pl.Series([text.text for text in texts], dtype=pl.String)), "words")


def _plain(texts: "pl.Series") -> "pl.Series":
    """Return texts as they are read once rendered: without tags, entities, invisible characters and ``1,000`` for 1000, in form NFKC."""
    rows = (texts.str.contains(_TAG) | texts.str.contains(_THOUSANDS) | (texts.str.len_bytes() != texts.str.len_chars())).arg_true()
    if not len(rows):
        return texts
    plain = texts.gather(rows).str.replace_all(_INVISIBLE, "").str.normalize("NFKC").str.replace_all(_TAG, " ")
    for _ in range(2):  # a match takes the figure that the next one would begin with
        plain = plain.str.replace_all(_THOUSANDS, "$1$2")
    return texts.clone().scatter(rows, plain)


def _weights(plain: "pl.Series") -> I64:
    """Return what normalised texts weigh."""
    return text_weights(*flat_bytes(plain))


def _floors(texts: Sequence[EvalText]) -> I64:
    """Return what each text must weigh to be looked for."""
    return np.array([(MIN_WHOLE_WORDS if text.whole else MIN_PART_WORDS) * WORD_WEIGHT for text in texts], np.int64)


def _flat_runs(texts: "pl.Series", weight: int) -> Iterator[tuple[int, NDArray[np.uint8], Runs]]:
    """Yield the first row, the bytes and the runs of each batch of normalised texts."""
    for start, end in batches(texts):
        data, offsets = flat_bytes(texts[start:end])
        yield start, data, runs(data, offsets, weight)


def _eval_table(plain: "pl.Series", wanted: I64, items: I64, weight: int) -> tuple[U64, I64]:
    """Return hashes of the runs of the wanted texts, ascending, and the item of each; a hash in two items stands twice."""
    hashes: list[U64] = []
    owners: list[I64] = []
    for start, _, found in _flat_runs(plain.gather(wanted), weight):
        hashes.append(found.hashes)
        owners.append(items[wanted[start + np.repeat(np.arange(len(found.offsets) - 1), np.diff(found.offsets))]])
    flat, owner = np.concatenate(hashes), np.concatenate(owners)
    order = np.lexsort((owner, flat))
    flat, owner = flat[order], owner[order]
    first = np.concatenate([[True], (flat[1:] != flat[:-1]) | (owner[1:] != owner[:-1])])
    return flat[first], owner[first]


def _hits(texts: "pl.Series", table: _Table) -> _Hits:
    """Return shared runs of one weight, in order of place in the documents."""
    hits = _Hits([], [], [])
    for start, data, found in _flat_runs(texts, table.weight):
        maybe = np.flatnonzero(table.prefixes[found.hashes >> _PREFIX_SHIFT])
        low = np.searchsorted(table.hashes, found.hashes[maybe], side="left")
        high = np.searchsorted(table.hashes, found.hashes[maybe], side="right")
        for place, begin, end in zip(maybe[high > low], low[high > low], high[high > low], strict=True):
            row = start + int(np.searchsorted(found.offsets, place, side="right")) - 1  # pyright: ignore[reportUnknownArgumentType]
            words = data[found.starts[place] : found.ends[place]].tobytes().decode()
            for owner in table.owners[begin:end].tolist():
                hits.rows.append(row)
                hits.items.append(owner)
                hits.words.append(words)
    return hits


def _frame(hits: _Hits) -> "pl.DataFrame":
    import polars as pl

    schema = {"row": pl.Int64(), "item": pl.Int64(), "ngram": pl.String()}
    return pl.DataFrame({"row": hits.rows, "item": hits.items, "ngram": hits.words}, schema=schema)
