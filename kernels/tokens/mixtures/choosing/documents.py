"""The documents of a mixture: those of its splits, those that its bounds leave, and earlier ones that are replayed.

A document belongs to the validation split by a hash of its id alone, so that it stays there when others come. What an earlier mixture trained on
is of neither split, and what one holds out is not trained on, whatever the hash says; some of both come again where documents are replayed.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.tokens.mixtures.choosing.earlier import Earlier
from kernels.tokens.mixtures.config import MixtureConfig, draw, num_validation_draws, replay_draw
from kernels.tokens.mixtures.index import replayed_rows
from kernels.tokens.mixtures.membership import Placed
from kernels.tokens.mixtures.packing import I64
from kernels.tokens.shards import Shard

Shards = Sequence[tuple[str, Shard]]
"""Source and shard."""


class Documents(NamedTuple):
    """D documents of one source and split [D each]: where they are, and how many of their tokens are taken."""

    placed: Placed
    length: I64

    @property
    def num_tokens(self) -> int:
        """How many tokens are taken of all."""
        return int(self.length.sum())

    def at(self, chosen: I64) -> "Documents":
        """Return some of them."""
        return Documents(self.placed.at(chosen), self.length[chosen])

    def cut(self, num_tokens: int) -> "Documents":
        """Return the first of them, of ``num_tokens`` tokens, the last one cut to fit; all where there are no more."""
        if num_tokens >= self.num_tokens:
            return self
        ends = np.cumsum(self.length)
        taken = self.at(np.arange(int(np.searchsorted(ends, num_tokens)) + 1)) if num_tokens else self.at(np.zeros(0, np.int64))
        taken.length[-1:] -= taken.num_tokens - num_tokens
        return taken


class SourceDocuments(NamedTuple):
    """The documents of one source, by what becomes of them."""

    train: Documents
    """To be trained on, those of least hash first, so that the order in which shards arrive means nothing."""
    validation: Documents
    """To be held out, in the same order."""
    trained: Documents
    """That an earlier mixture trained on, in the order in which they are replayed."""
    held: Documents
    """That an earlier mixture holds out, in that order."""

    @property
    def num_earlier(self) -> int:
        """How many earlier mixtures have."""
        return len(self.trained.length) + len(self.held.length)


def sort_out(shards: Shards, source: str, config: MixtureConfig, earlier: Earlier) -> SourceDocuments:
    """Return the documents of a source."""
    numbers = [number for number, (owner, _) in enumerate(shards) if owner == source]
    found = [shards[number][1] for number in numbers]
    ids = [document_id for shard in found for document_id in shard.ids]
    lengths = np.concatenate([np.zeros(0, np.int64), *(np.diff(shard.offsets) for shard in found)])
    shard_of = np.repeat(np.array(numbers, np.int64), [len(shard.ids) for shard in found])
    place = np.concatenate([np.zeros(0, np.int64), *(np.arange(len(shard.ids)) for shard in found)])
    marks = earlier.marks(source, ids)
    is_earlier = marks.trained | marks.held
    documents = Documents(Placed(shard_of, place, is_earlier), lengths)
    draws = np.array([draw(document_id, config.seed) for document_id in ids], np.uint64)
    is_held = draws < np.uint64(num_validation_draws(config))
    again = np.zeros(len(ids), np.uint64)
    again[is_earlier] = [replay_draw(ids[place], config) for place in np.flatnonzero(is_earlier).tolist()]

    def ordered(chosen: NDArray[np.bool_], by: NDArray[np.uint64]) -> Documents:
        places = np.flatnonzero(chosen)
        return documents.at(places[np.argsort(by[places], kind="stable")])

    return SourceDocuments(
        ordered(~is_earlier & ~is_held, draws), ordered(~is_earlier & is_held, draws), ordered(marks.trained, again), ordered(marks.held, again)
    )


def taken(source: str, documents: SourceDocuments, config: MixtureConfig) -> Documents:
    """Return the training documents that a source's bounds leave, those of least hash; the last one is cut to fit.

    Raises:
        ValueError: there are none (says whether earlier mixtures have them all).
    """
    train, num_earlier = documents.train, documents.num_earlier
    if num_earlier and not train.num_tokens and not documents.validation.num_tokens:
        raise ValueError(
            f"mixture: no document of {source!r} is new: {config.after!r}, or a mixture before it, has all {num_earlier} of them; wait until others "
            f"come, let first_partitions of {config.after!r} leave some to this one, or take the source out of the weights"
        )
    if not train.num_tokens:
        raise ValueError(f"mixture: the source {source!r} has no training document; give it data or take it out of the weights")
    quota = config.quota(source)
    if quota == 0:
        raise ValueError(f"mixture: no token of {source!r} is left to train on; raise max_train_tokens or its weight, or leave it out")
    return train if quota is None else train.cut(quota)


def replayed(pools: Mapping[str, Documents], num_others: int, shares: Mapping[str, Fraction]) -> dict[str, Documents]:
    """Return documents of each source so that their tokens have its share of them and ``num_others`` others, to a token, by name of rows.

    Of a source that has fewer all are returned.
    """
    num_tokens = num_others / (1 - sum(shares.values(), Fraction(0)))
    return {replayed_rows(source): pools[source].cut(int(num_tokens * share)) for source, share in shares.items()}


def check_replayed(found: Mapping[str, Documents], pools: Mapping[str, Documents], shares: Mapping[str, Fraction], config: MixtureConfig) -> None:
    """Pass where a token of each source is replayed. Raises ValueError where one has no document, or its share comes to no token."""
    for source, share in shares.items():
        if not pools[source].num_tokens:
            raise ValueError(
                f"mixture: no document of {source!r} that {config.after!r} trained on is there to be replayed; bring one back, or say in 'replay' "
                "by source what is replayed"
            )
        if not found[replayed_rows(source)].num_tokens:
            raise ValueError(
                f"mixture: a share of {float(share):.3g}, that of {source!r} in what is replayed, comes to no token; raise replay, say by source "
                "what is replayed, or add documents"
            )
