"""The rows of one split: its documents packed source by source, and for validation put in an order of shares."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from kernels.tokens.mixtures.choosing.documents import Documents
from kernels.tokens.mixtures.index import Weights, is_replayed, shares_of
from kernels.tokens.mixtures.membership import Placed
from kernels.tokens.mixtures.packing import Spans, pack


class Rows(NamedTuple):
    """The documents of one split and their rows, those of a source together, replayed ones apart."""

    by_rows: Mapping[str, Documents]
    """The documents by what their rows are called (index.py)."""
    documents: Placed
    spans: Spans
    first_rows: dict[str, int]
    num_rows: dict[str, int]

    @property
    def replayed(self) -> list[Documents]:
        """Those that are replayed."""
        return [found for name, found in self.by_rows.items() if is_replayed(name)]


def packed(documents: Mapping[str, Documents], row_length: int) -> Rows:
    """Return the rows of a split, source by source."""
    first_rows: dict[str, int] = {}
    num_rows: dict[str, int] = {}
    parts: list[Spans] = []
    num_documents = row = 0
    for source, found in documents.items():
        spans = pack(found.length, row_length)
        first_rows[source], num_rows[source] = row, spans.num_rows
        parts.append(spans._replace(document=spans.document + num_documents, row=spans.row + row))
        num_documents += len(found.length)
        row += spans.num_rows
    placed = Placed(*(np.concatenate(columns) for columns in zip(*(found.placed for found in documents.values()), strict=True)))
    return Rows(documents, placed, Spans(*(np.concatenate(columns) for columns in zip(*parts, strict=True))), first_rows, num_rows)


def by_share(rows: Rows, weights: Weights, seed: int) -> Rows:
    """Return a split with its rows in a seeded order in which as many of those in front are of a source as its share says, while it has any."""
    random = np.random.Generator(np.random.PCG64(seed))
    shares = shares_of(weights)
    turns = np.empty(rows.spans.num_rows)
    for source, count in rows.num_rows.items():
        first = rows.first_rows[source]
        share = float(shares[source]) if source in shares else 0.0
        turns[first : first + count] = (random.permutation(count) + 0.5) / share if share else np.inf
    numbers = np.argsort(np.argsort(turns, kind="stable"), kind="stable")
    moved = numbers[rows.spans.row]
    order = np.argsort(moved, kind="stable")
    return rows._replace(spans=Spans(*(column[order] for column in rows.spans._replace(row=moved))))
