"""Mixtures: what a model sees of each source, packed into sequences in which no document sees another.

Documents are drawn by source in a seeded order until each source has its share of tokens. Longer ones are cut into pieces of at most a
sequence; pieces are packed best-fit in order of decreasing length (Ding et al. 2024, arXiv 2404.10830), which cuts no piece and
leaves little padding. A document belongs to the validation split by a hash of its id alone, so that it stays there when others come.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray
from pydantic import Field, field_validator

from kernels.documents.conversations import without_rejected
from kernels.documents.pieces import text_of
from kernels.specs.config import Config
from kernels.specs.turns import Turn
from kernels.tokens.shards import Shard

PADDING_SEGMENT = 65535
"""Segment of positions that hold no document."""


class MixtureConfig(Config):
    """Shares, length and split."""

    weights: dict[str, float] = Field(min_length=1)
    """Share of the training tokens that each source gives; shares are divided by their sum."""
    max_epochs: float = Field(gt=0)
    """How often a document may be seen at most. The source that runs out first bounds the whole."""
    max_train_tokens: int | None = Field(gt=0)
    """Training tokens at most; null takes what the shares and epochs allow."""
    sequence_length: int = Field(gt=1)
    """Tokens in a row."""
    validation_fraction: float = Field(ge=0, lt=1)
    """Share of documents that are never trained on."""
    max_heldout_documents: int = Field(ge=0)
    """Validation documents whose text is kept for evaluation, at most."""
    seed: int
    """Of the split and the order."""

    @field_validator("weights")
    @classmethod
    def _are_shares(cls, weights: dict[str, float]) -> dict[str, float]:
        wrong = [source for source, weight in weights.items() if not (math.isfinite(weight) and weight >= 0)]
        if wrong:
            raise ValueError(f"the weights of {', '.join(wrong)} are no shares; give finite numbers of at least 0")
        if not any(weights.values()):
            raise ValueError("every weight is 0; give one source a share")
        return weights

    @field_validator("sequence_length")
    @classmethod
    def _segments_can_be_told_apart(cls, length: int) -> int:
        if length > PADDING_SEGMENT:
            raise ValueError(f"{length} tokens may hold more documents than segments have numbers; give at most {PADDING_SEGMENT}")
        return length


class MixtureSummary(NamedTuple):
    """What a mixture came to. ``packing_efficiency`` is the share of training positions that hold a token."""

    num_sequences: int
    num_train_tokens: int
    num_validation_sequences: int
    num_heldout_documents: int
    packing_efficiency: float


class _Piece(NamedTuple):
    """A run of one document's tokens: which shard, where, how long."""

    shard: int
    start: int
    length: int


def is_validation(document_id: str, config: MixtureConfig) -> bool:
    """Return whether a document is held out."""
    return _draw(document_id, config.seed) < config.validation_fraction


def _draw(document_id: str, seed: int) -> float:
    return xxhash.xxh3_64_intdigest(document_id.encode(), seed % 2**64) / 2**64


def build_mixture(
    shards: Sequence[tuple[str, Shard]], documents: Mapping[str, pa.Table], config: MixtureConfig, pad_token_id: int, out: Path
) -> MixtureSummary:
    """Write a mixture and return what it came to.

    The files: ``train_tokens.npy`` and ``train_segments.npy`` [rows, sequence_length], the same two for validation, ``heldout.parquet`` and
    ``composition.parquet``.

    Args:
        shards: source and shard, in order of arrival.
        documents: tables with ``id``, ``source``, ``text`` and ``turns`` of the same documents, by any key.
        config: shares, length and split.
        pad_token_id: fills positions of the segment `PADDING_SEGMENT`.
        out: an existing folder.

    Raises:
        ValueError: a source of the weights has no training document, or the bounds leave no token to train on.
    """
    train: dict[str, list[_Piece]] = defaultdict(list)
    validation: dict[str, list[_Piece]] = defaultdict(list)
    for number, (source, shard) in enumerate(shards):
        for index, document_id in enumerate(shard.ids):
            start, end = int(shard.offsets[index]), int(shard.offsets[index + 1])
            (validation if is_validation(document_id, config) else train)[source].append(_Piece(number, start, end - start))
    quotas = _quotas(train, config)
    if not any(quotas.values()):
        raise ValueError("mixture: no token is left to train on; raise max_epochs or max_train_tokens, or add documents")
    random = np.random.Generator(np.random.PCG64(config.seed))
    drawn = {source: _draw_documents(train[source], quota, random) for source, quota in sorted(quotas.items())}
    tokens = [shard.tokens for _, shard in shards]
    rows = _pack([piece for pieces in drawn.values() for piece in pieces], config.sequence_length)
    efficiency = _write_rows([rows[index] for index in random.permutation(len(rows)).tolist()], tokens, config, pad_token_id, out, "train")  # pyright: ignore[reportUnknownArgumentType]
    held = [piece for source in sorted(quotas) for piece in validation[source]]
    held_rows = _pack(held, config.sequence_length)
    _write_rows(held_rows, tokens, config, pad_token_id, out, "validation")
    _write_composition(train, validation, drawn, config, out)
    num_heldout = _write_heldout(documents, config, out)
    num_tokens = sum(piece.length for pieces in drawn.values() for piece in pieces)
    return MixtureSummary(len(rows), num_tokens, len(held_rows), num_heldout, efficiency)


def _quotas(train: Mapping[str, list[_Piece]], config: MixtureConfig) -> dict[str, int]:
    """Return training tokens by source: the shares, as large as epochs and the recipe's bound allow."""
    available = {source: sum(piece.length for piece in train.get(source, [])) for source in config.weights}
    for source, weight in config.weights.items():
        if weight > 0 and not available[source]:
            raise ValueError(f"mixture: the source {source!r} has no training document; give it data or take it out of the weights")
    whole = math.fsum(config.weights.values())  # the same in whatever order they stand
    shares = {source: weight / whole for source, weight in config.weights.items() if weight > 0}
    total = min(available[source] * config.max_epochs / share for source, share in shares.items())
    if config.max_train_tokens is not None:
        total = min(total, config.max_train_tokens)
    return {source: int(total * share) for source, share in shares.items()}


def _draw_documents(pieces: list[_Piece], quota: int, random: np.random.Generator) -> list[_Piece]:
    """Return documents in a seeded order, epoch after epoch, until they hold ``quota`` tokens; the last one is cut to fit."""
    drawn: list[_Piece] = []
    left = quota
    while left > 0:
        order: list[int] = random.permutation(len(pieces)).tolist()
        for index in order:
            piece = pieces[index]
            drawn.append(piece._replace(length=min(piece.length, left)))
            left -= piece.length
            if left <= 0:
                break
    return drawn


def _pack(documents: Sequence[_Piece], length: int) -> list[list[_Piece]]:
    """Return rows of pieces, each of at most ``length`` tokens: best fit, longest pieces first."""
    pieces = [
        _Piece(document.shard, start, min(length, document.start + document.length - start))
        for document in documents
        for start in range(document.start, document.start + document.length, length)
    ]
    pieces.sort(key=lambda piece: -piece.length)
    rows: list[list[_Piece]] = []
    by_room: list[list[int]] = [[] for _ in range(length + 1)]
    rooms = 0  # bit r is set where by_room[r] is not empty
    for piece in pieces:
        fitting = rooms >> piece.length
        if fitting:
            room = piece.length + (fitting & -fitting).bit_length() - 1
            row = by_room[room].pop()
            if not by_room[room]:
                rooms &= ~(1 << room)
        else:
            room, row = length, len(rows)
            rows.append([])
        rows[row].append(piece)
        left = room - piece.length
        if left:
            by_room[left].append(row)
            rooms |= 1 << left
    return rows


def _write_rows(
    rows: Sequence[list[_Piece]], tokens: Sequence[NDArray[np.integer]], config: MixtureConfig, pad_token_id: int, out: Path, split: str
) -> float:
    """Write one split and return the share of its positions that hold a token."""
    shape = (len(rows), config.sequence_length)
    packed = np.full(shape, pad_token_id, tokens[0].dtype if tokens else np.uint16)
    segments = np.full(shape, PADDING_SEGMENT, np.uint16)
    filled = 0
    for number, row in enumerate(rows):
        position = 0
        for segment, piece in enumerate(row):
            packed[number, position : position + piece.length] = tokens[piece.shard][piece.start : piece.start + piece.length]
            segments[number, position : position + piece.length] = segment
            position += piece.length
        filled += position
    np.save(out / f"{split}_tokens.npy", packed, allow_pickle=False)
    np.save(out / f"{split}_segments.npy", segments, allow_pickle=False)
    return filled / packed.size if packed.size else 1.0


def _write_composition(
    train: Mapping[str, list[_Piece]], validation: Mapping[str, list[_Piece]], drawn: Mapping[str, list[_Piece]], config: MixtureConfig, out: Path
) -> None:
    rows = [
        {
            "source": source,
            "weight": config.weights[source],
            "num_documents": len(train[source]) + len(validation[source]),
            "num_train_tokens": sum(piece.length for piece in pieces),
            "num_validation_tokens": sum(piece.length for piece in validation[source]),
            "epochs": sum(piece.length for piece in pieces) / max(1, sum(piece.length for piece in train[source])),
        }
        for source, pieces in drawn.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), out / "composition.parquet", compression="zstd")  # pyright: ignore[reportUnknownMemberType]


def _write_heldout(documents: Mapping[str, pa.Table], config: MixtureConfig, out: Path) -> int:
    """Write the text of held-out documents, those of least hash where there are more than the config takes.

    That of a conversation is what a model may be taught to say of it: without the answers that people liked less.
    """
    columns = ["id", "source", "text"]
    rows = [row for table in documents.values() for row in table.select([*columns, "turns"]).to_pylist() if is_validation(row["id"], config)]
    rows.sort(key=lambda row: (_draw(row["id"], config.seed), row["id"]))
    chosen = rows[: config.max_heldout_documents]
    for row in chosen:
        if (turns := row.pop("turns")) is not None:
            row["text"] = text_of(without_rejected(Turn(**turn) for turn in turns))
    pq.write_table(  # pyright: ignore[reportUnknownMemberType]
        pa.Table.from_pylist(chosen, schema=pa.schema([(name, pa.string()) for name in columns])), out / "heldout.parquet", compression="zstd"
    )
    return len(chosen)
