"""Documents of a row, as arrays over all of them at once: rows of hundreds of short documents cost no more than those of one."""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.specs.objectives import IGNORED, NO_SEGMENT, ControlTokens, Row


class Documents(NamedTuple):
    """The D documents of a row, in order, [D] each."""

    numbers: NDArray[np.int64]
    starts: NDArray[np.int64]
    """First positions."""
    lengths: NDArray[np.int64]


def documents_of(row: Row) -> Documents:
    """Return the documents of a row: the runs of positions of one segment."""
    edges = np.flatnonzero(row.segments[1:] != row.segments[:-1]) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(starts, append=len(row.segments))
    numbers = row.segments[starts]
    held = numbers != NO_SEGMENT
    return Documents(numbers[held], starts[held], lengths[held])


def texts_of(row: Row, documents: Documents, control: ControlTokens) -> Documents:
    """Return the texts of documents: without what stands before a text and the token that ends it. Pieces that go on elsewhere lack one or both."""
    has_before = documents.lengths >= len(control.before)
    for place, token in enumerate(control.before):
        has_before &= row.tokens[np.minimum(documents.starts + place, len(row.tokens) - 1)] == token
    num_before = has_before * len(control.before)
    lengths = documents.lengths - num_before
    last = row.tokens[documents.starts + documents.lengths - 1]
    return Documents(documents.numbers, documents.starts + num_before, lengths - ((last == control.end_of_text) & (lengths > 0)))


def positions_of(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of runs, one run behind the other: starts 4 and 1 with lengths 2 and 3 give 4, 5, 1, 2, 3."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(int(ends[-1]) if len(ends) else 0)


def drawn(sizes: NDArray[np.int64], counts: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.bool_]:
    """Return which of a group's things are drawn, for all groups [sum of sizes]: so many of each, every choice of them equally likely."""
    total = int(sizes.sum())
    order = np.lexsort((random.random(total), np.repeat(np.arange(len(sizes)), sizes)))
    ranks = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = np.empty(total, np.bool_)
    chosen[order] = ranks < np.repeat(counts, sizes)
    return chosen


def next_tokens(row: Row) -> NDArray[np.int64]:
    """Return the token behind each position [T] where it is of the same document, else `IGNORED`."""
    targets = np.full(len(row.tokens), IGNORED, np.int64)
    within = (row.segments[1:] == row.segments[:-1]) & (row.segments[1:] != NO_SEGMENT)
    targets[:-1][within] = row.tokens[1:][within]
    return targets


def padded(values: NDArray[np.int64], length: int, fill: int) -> NDArray[np.int64]:
    """Return values with as many more of ``fill`` as make a length. Raises ValueError: they are more, and nothing is cut unseen."""
    if len(values) > length:
        raise ValueError(f"a row comes to {len(values)} positions where there is room for {length}; give the lengths for the most documents of a row")
    filled = np.full(length, fill, values.dtype)
    filled[: len(values)] = values
    return filled


def padded_row(row: Row, length: int, control: ControlTokens) -> Row:
    """Return a row with padding up to a length. Raises ValueError: it is longer."""
    return Row(padded(row.tokens, length, control.padding), padded(row.segments, length, NO_SEGMENT))


@functools.lru_cache(maxsize=8)
def is_ordinary(control: ControlTokens) -> NDArray[np.bool_]:
    """Return of each id of the vocabulary [V] whether it is no control token."""
    named = (control.end_of_text, control.padding, control.mask, control.fim_prefix, control.fim_suffix, control.fim_middle, *control.sentinels)
    ordinary = np.ones(control.vocabulary_size, np.bool_)
    ordinary[[token for token in {*control.special, *named} if token is not None and token < control.vocabulary_size]] = False
    ordinary.setflags(write=False)
    return ordinary


@functools.lru_cache(maxsize=8)
def ordinary_tokens(control: ControlTokens) -> NDArray[np.int64]:
    """Return the ids of the vocabulary that are no control tokens, in order."""
    return np.flatnonzero(is_ordinary(control))
