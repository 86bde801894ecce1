"""Mixtures: what a model sees of each source, packed into rows in which no document sees another.

A folder holds every chosen document once, in rows of one source each, and the policy by which they are read: how often, and in what order, is a
matter of the training (order.py). Which documents are chosen: choosing/. Near duplicates do not fall on both sides of the split: of a cluster one
document has tokens, the first, since deduplication drops the others.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from kernels.tokens.mixtures.choosing.documents import Documents, Shards, SourceDocuments, check_replayed, replayed, sort_out, taken
from kernels.tokens.mixtures.choosing.earlier import NO_EARLIER, Earlier
from kernels.tokens.mixtures.choosing.heldout import write_heldout
from kernels.tokens.mixtures.composition import SourceParts, underfilled, write_composition
from kernels.tokens.mixtures.config import MixtureConfig
from kernels.tokens.mixtures.index import MixtureIndex, SourceRows, is_replayed, replayed_rows, shares_of, source_of_rows, write_index
from kernels.tokens.mixtures.membership import RowWriter
from kernels.tokens.mixtures.order import most_rows
from kernels.tokens.mixtures.rows import Rows, by_share, packed


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
    num_documents_of_earlier: int
    """Documents of its sources that are left out, as mixtures before it trained on them or hold them out; some of them may be replayed."""
    num_replayed_documents: int
    num_replayed_tokens: int
    """Training tokens that are of replayed documents."""
    replayed_share: float
    """Their share of all training tokens."""


def build_mixture(
    shards: Shards, documents: Iterable[pa.Table], config: MixtureConfig, pad_token_id: int, out: Path, earlier: Earlier = NO_EARLIER
) -> MixtureSummary:
    """Write a mixture and return what it came to.

    The files: ``train_tokens.npy`` and ``train_segments.npy`` [rows, sequence_length], the same two for validation, ``index.json``
    (index.py), ``membership.parquet`` (membership.py), ``composition.parquet`` and ``heldout.parquet``.

    Args:
        shards: source and shard, of the mixture's sources and of those that are replayed.
        documents: tables with ``id``, ``source``, ``text`` and ``turns`` of the same documents.
        config: shares, length and split.
        pad_token_id: fills positions of the segment `PADDING_SEGMENT`.
        out: an existing folder.
        earlier: the mixtures that it comes after.

    Raises:
        ValueError: a source of the weights has no new document to train on, or the bounds leave it no token; or nothing of a source that is to be
            replayed is there.
    """
    again = config.replayed_shares(earlier.shares())
    found = {source: sort_out(shards, source, config, earlier) for source in sorted({*config.sources, *again})}
    rows = packed(_train(found, config, again), config.sequence_length)
    held = by_share(packed(_validation(found, config, again), config.sequence_length), _with_replayed(config.weights, again), config.seed)
    with RowWriter(shards, config.sequence_length, pad_token_id, out) as writer:
        writer.write("train", rows.documents, rows.spans)
        writer.write("validation", held.documents, held.spans)
    index = _index(rows, held, config, again, writer.content)
    parts = {name: _parts(name, found, rows, held) for name in rows.by_rows}
    write_composition(parts, index, out / "composition.parquet")
    write_index(index, out)
    num_tokens = sum(part.num_train_tokens for part in parts.values())
    return MixtureSummary(
        num_sequences=rows.spans.num_rows,
        num_train_tokens=num_tokens,
        num_validation_sequences=held.spans.num_rows,
        num_heldout_documents=write_heldout(documents, _heldout_ids(shards, found, config), config, out / "heldout.parquet"),
        packing_efficiency=num_tokens / (rows.spans.num_rows * config.sequence_length),
        underfilled_sources=underfilled(parts, index),
        most_rows=most_rows(index),
        num_documents_of_earlier=sum(found[source].num_earlier for source in config.sources),
        num_replayed_documents=sum(len(each.length) for each in rows.replayed),
        num_replayed_tokens=index.num_replayed_tokens,
        replayed_share=index.num_replayed_tokens / num_tokens,
    )


def _train(found: Mapping[str, SourceDocuments], config: MixtureConfig, again: Mapping[str, Fraction]) -> dict[str, Documents]:
    """Return the training documents by name of rows: new ones within their bounds, then those that are replayed."""
    new = {source: taken(source, found[source], config) for source in config.sources}
    pools = {source: found[source].trained for source in again}
    old = replayed(pools, sum(each.num_tokens for each in new.values()), again)
    check_replayed(old, pools, again, config)
    return new | old


def _validation(found: Mapping[str, SourceDocuments], config: MixtureConfig, again: Mapping[str, Fraction]) -> dict[str, Documents]:
    """Return the validation documents by name of rows: new ones, and of those held out before as many as are replayed in training, by share."""
    new = {source: found[source].validation for source in config.sources}
    pools = {source: found[source].held for source in again}
    return new | replayed(pools, sum(each.num_tokens for each in new.values()), again)


def _parts(name: str, found: Mapping[str, SourceDocuments], rows: Rows, held: Rows) -> SourceParts:
    source, train, validation = found[source_of_rows(name)], rows.by_rows[name], held.by_rows[name]
    offered = source.trained if is_replayed(name) else source.train
    return SourceParts(
        num_documents=len(offered.length),
        num_tokens=offered.num_tokens,
        num_train_documents=len(train.length),
        num_train_tokens=train.num_tokens,
        num_train_rows=rows.num_rows[name],
        num_validation_documents=len(validation.length),
        num_validation_tokens=validation.num_tokens,
        num_validation_rows=held.num_rows[name],
    )


def _index(rows: Rows, held: Rows, config: MixtureConfig, again: Mapping[str, Fraction], content: str) -> MixtureIndex:
    """Return what a training depends on. Sources without a share are in none of it."""
    epochs = {source: config.epochs_of(source) for source in config.sources}
    epochs |= {replayed_rows(source): max(epochs.values()) for source in again}
    return MixtureIndex(
        seed=config.seed,
        sequence_length=config.sequence_length,
        sources={name: SourceRows(first_row=rows.first_rows[name], num_rows=rows.num_rows[name], max_epochs=most) for name, most in epochs.items()},
        weights=_with_replayed(config.weights, again),
        stages=[stage.model_copy(update={"weights": _with_replayed(stage.weights, again)}) for stage in config.stages],
        max_documents=max(int(split.spans.segment.max(initial=0)) for split in (rows, held)) + 1,
        content=content,
        num_replayed_tokens=sum(each.num_tokens for each in rows.replayed),
    )


def _with_replayed(weights: dict[str, float], again: Mapping[str, Fraction]) -> dict[str, float]:
    """Return shares of new and replayed documents by name of rows; those of new ones stand to each other as the recipe says."""
    if not again:
        return weights
    rest = 1 - sum(again.values(), Fraction(0))
    new = {source: float(share * rest) for source, share in shares_of(weights).items()}
    return new | {replayed_rows(source): float(share) for source, share in again.items()}


def _heldout_ids(shards: Shards, found: Mapping[str, SourceDocuments], config: MixtureConfig) -> set[str]:
    """Return the ids of the new validation documents of least hash, of each source at most as many as the config takes of all."""
    ids: set[str] = set()
    for source in config.sources:
        placed = found[source].validation.placed.at(slice(config.max_heldout_documents))
        numbers: list[int] = placed.shard.tolist()
        places: list[int] = placed.place.tolist()
        ids.update(shards[number][1].ids[place] for number, place in zip(numbers, places, strict=True))
    return ids
