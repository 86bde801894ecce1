"""Mixtures: what a model sees of each source, packed into rows in which no document sees another.

A folder holds every chosen document once, in rows of one source each, and the policy by which they are read: how often, and in what order, is a
matter of the training (order.py). A document belongs to the validation split by a hash of its id alone, so that it stays there when others
come. Near duplicates do not fall on both sides: of a cluster one document has tokens, the first, since deduplication drops the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from kernels.tokens.mixtures.composition import SourceParts, underfilled, write_composition
from kernels.tokens.mixtures.config import MixtureConfig, draw, num_validation_draws
from kernels.tokens.mixtures.heldout import write_heldout
from kernels.tokens.mixtures.index import MixtureIndex, SourceRows, shares_of, write_index
from kernels.tokens.mixtures.membership import Placed, RowWriter
from kernels.tokens.mixtures.order import most_rows
from kernels.tokens.mixtures.packing import I64, Spans, pack
from kernels.tokens.shards import Shard


class MixtureSummary(NamedTuple):
    """What a mixture came to."""

    num_sequences: int
    num_train_tokens: int
    num_validation_sequences: int
    num_heldout_documents: int
    packing_efficiency: float
    """Share of training positions that hold a token."""
    underfilled_sources: str
    """Sources of so few rows that what is missing to the last one counts, with their rows and the share of positions used; or none."""
    most_rows: int
    """Rows that a training may read before a source is read more often than it may be."""


class _Documents(NamedTuple):
    """Documents of one source and split [each]: where they are, and how many of their tokens are taken."""

    placed: Placed
    length: I64

    @property
    def num_tokens(self) -> int:
        return int(self.length.sum())

    def at(self, chosen: I64) -> "_Documents":
        return _Documents(self.placed.at(chosen), self.length[chosen])


class _Split(NamedTuple):
    """The documents of one split and their rows, those of a source together."""

    documents: Placed
    spans: Spans
    first_rows: dict[str, int]
    num_rows: dict[str, int]


def build_mixture(
    shards: Sequence[tuple[str, Shard]], documents: Iterable[pa.Table], config: MixtureConfig, pad_token_id: int, out: Path
) -> MixtureSummary:
    """Write a mixture and return what it came to.

    The files: ``train_tokens.npy`` and ``train_segments.npy`` [rows, sequence_length], the same two for validation, ``index.json``
    (mixture_index.py), ``membership.parquet`` (membership.py), ``composition.parquet`` and ``heldout.parquet``.

    Args:
        shards: source and shard, of the mixture's sources.
        documents: tables with ``id``, ``source``, ``text`` and ``turns`` of the same documents.
        config: shares, length and split.
        pad_token_id: fills positions of the segment `PADDING_SEGMENT`.
        out: an existing folder.

    Raises:
        ValueError: a source of the weights has no training document, or the bounds leave it no token to train on.
    """
    train, validation = _split(shards, config)
    taken = {source: _taken(source, train[source], config) for source in config.sources}
    rows, held = _packed(taken, config), _by_share(_packed(validation, config), config)
    with RowWriter(shards, config.sequence_length, pad_token_id, out) as writer:
        writer.write("train", rows.documents, rows.spans)
        writer.write("validation", held.documents, held.spans)
    parts = {source: _parts(source, train, taken, rows, validation, held) for source in config.sources}
    write_composition(parts, config, out / "composition.parquet")
    index = _index(rows, config, writer.content)
    write_index(index, out)
    num_tokens = sum(part.num_train_tokens for part in parts.values())
    return MixtureSummary(
        num_sequences=rows.spans.num_rows,
        num_train_tokens=num_tokens,
        num_validation_sequences=held.spans.num_rows,
        num_heldout_documents=write_heldout(documents, config, out / "heldout.parquet"),
        packing_efficiency=num_tokens / (rows.spans.num_rows * config.sequence_length),
        underfilled_sources=underfilled(parts, config),
        most_rows=most_rows(index),
    )


def _split(shards: Sequence[tuple[str, Shard]], config: MixtureConfig) -> tuple[dict[str, _Documents], dict[str, _Documents]]:
    """Return the documents of the two splits by source, those of least hash first, so that the order in which shards arrive means nothing."""
    train: dict[str, _Documents] = {}
    validation: dict[str, _Documents] = {}
    bound = num_validation_draws(config)
    for source in config.sources:
        numbers = [number for number, (owner, _) in enumerate(shards) if owner == source]
        found = [shards[number][1] for number in numbers]
        draws = np.array([draw(document_id, config.seed) for shard in found for document_id in shard.ids], np.uint64)
        lengths = np.concatenate([np.zeros(0, np.int64), *(np.diff(shard.offsets) for shard in found)])
        shard_of = np.repeat(np.array(numbers, np.int64), [len(shard.ids) for shard in found])
        place = np.concatenate([np.zeros(0, np.int64), *(np.arange(len(shard.ids)) for shard in found)])
        order = np.argsort(draws, kind="stable")
        num_held = int(np.searchsorted(draws[order], np.uint64(bound)))
        documents = _Documents(Placed(shard_of, place), lengths).at(order)
        validation[source], train[source] = documents.at(np.arange(num_held)), documents.at(np.arange(num_held, len(order)))
    return train, validation


def _taken(source: str, documents: _Documents, config: MixtureConfig) -> _Documents:
    """Return the documents that a source's bounds leave, those of least hash; the last one is cut to fit. Raises ValueError: there are none."""
    if not documents.num_tokens:
        raise ValueError(f"mixture: the source {source!r} has no training document; give it data or take it out of the weights")
    quota = config.quota(source)
    if quota is None or quota >= documents.num_tokens:
        return documents
    if not quota:
        raise ValueError(f"mixture: no token of {source!r} is left to train on; raise max_train_tokens or its weight, or leave it out")
    ends = np.cumsum(documents.length)
    taken = documents.at(np.arange(int(np.searchsorted(ends, quota)) + 1))
    taken.length[-1] -= taken.num_tokens - quota
    return taken


def _packed(documents: Mapping[str, _Documents], config: MixtureConfig) -> _Split:
    """Return the rows of a split, source by source."""
    first_rows: dict[str, int] = {}
    num_rows: dict[str, int] = {}
    parts: list[Spans] = []
    num_documents = row = 0
    for source, found in documents.items():
        spans = pack(found.length, config.sequence_length)
        first_rows[source], num_rows[source] = row, spans.num_rows
        parts.append(spans._replace(document=spans.document + num_documents, row=spans.row + row))
        num_documents += len(found.length)
        row += spans.num_rows
    placed = Placed(*(np.concatenate(columns) for columns in zip(*(found.placed for found in documents.values()), strict=True)))
    return _Split(placed, Spans(*(np.concatenate(columns) for columns in zip(*parts, strict=True))), first_rows, num_rows)


def _by_share(split: _Split, config: MixtureConfig) -> _Split:
    """Return a split with its rows in a seeded order in which as many of those in front are of a source as its share says, while it has any."""
    random = np.random.Generator(np.random.PCG64(config.seed))
    shares = shares_of(config.weights)
    turns = np.empty(split.spans.num_rows)
    for source, count in split.num_rows.items():
        first = split.first_rows[source]
        share = float(shares[source]) if source in shares else 0.0
        turns[first : first + count] = (random.permutation(count) + 0.5) / share if share else np.inf
    numbers = np.argsort(np.argsort(turns, kind="stable"), kind="stable")
    rows = numbers[split.spans.row]
    order = np.argsort(rows, kind="stable")
    return split._replace(spans=Spans(*(column[order] for column in split.spans._replace(row=rows))))


def _parts(
    source: str, train: Mapping[str, _Documents], taken: Mapping[str, _Documents], rows: _Split, validation: Mapping[str, _Documents], held: _Split
) -> SourceParts:
    return SourceParts(
        num_documents=len(train[source].length),
        num_tokens=train[source].num_tokens,
        num_train_documents=len(taken[source].length),
        num_train_tokens=taken[source].num_tokens,
        num_train_rows=rows.num_rows[source],
        num_validation_documents=len(validation[source].length),
        num_validation_tokens=validation[source].num_tokens,
        num_validation_rows=held.num_rows[source],
    )


def _index(rows: _Split, config: MixtureConfig, content: str) -> MixtureIndex:
    """Return what a training depends on. Sources without a share are in none of it."""
    sources = {
        source: SourceRows(first_row=rows.first_rows[source], num_rows=rows.num_rows[source], max_epochs=config.epochs_of(source))
        for source in config.sources
    }
    return MixtureIndex(
        seed=config.seed,
        sequence_length=config.sequence_length,
        sources=sources,
        weights=config.weights,
        stages=config.stages,
        max_documents=int(rows.spans.segment.max()) + 1,
        content=content,
    )
