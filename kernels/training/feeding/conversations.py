"""Conversations as rows: several stand in one and none sees another, so that few positions are empty. Only tokens of answers are predicted.

Rows are packed by best fit in order of decreasing length (kernels/tokens/mixtures/packing_loops.py); no conversation is cut. Of the last token of one
nothing is predicted, so that it takes no place.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.specs.objectives import IGNORED, NO_SEGMENT
from kernels.tokens.chats import Compared, Learned
from kernels.training.feeding.batches import Examples, Pairs

MULTIPLE = 8
"""Rows are as long as the longest conversation, rounded up to it."""


class Text(NamedTuple):
    """A conversation as n tokens, at least two, of which some are answers."""

    ids_n: NDArray[np.int32]
    is_learned_n: NDArray[np.bool_]

    @property
    def num_read(self) -> int:
        """Tokens that a model reads."""
        return len(self.ids_n) - 1

    @property
    def prompt(self) -> bytes:
        """All that stands before the first answer."""
        return self.ids_n[: int(self.is_learned_n.argmax())].tobytes()


Pair = tuple[Text, Text]
"""A chosen answer and a rejected one, behind one prompt each."""


def text_of(learned: Learned) -> Text:
    """Return a conversation as it is kept."""
    return Text(np.array(learned.ids, np.int32), np.array(learned.mask, np.bool_))


def pair_of(compared: Compared) -> Pair:
    """Return a preference pair as it is kept."""
    chosen, rejected = (
        text_of(Learned([*compared.prompt, *answer], [0] * len(compared.prompt) + [1] * len(answer)))
        for answer in (compared.chosen, compared.rejected)
    )
    return chosen, rejected


class RowShape(NamedTuple):
    """What rows are like, whichever conversations they hold."""

    length: int
    """Positions: as many as any conversation takes, or more."""
    padding: int
    """The token that stands where no conversation does."""
    is_prefix: bool = False
    """Whether all that stands before the first answer is a prefix, whose tokens all look at each other."""
    least_rows: int = 0
    """Rows with nothing in them are added up to as many: what is compiled for one number of them serves no other."""


def row_length(texts: Iterable[Text]) -> int:
    """Return how many positions a row has that holds any of some conversations."""
    return -(-max(each.num_read for each in texts) // MULTIPLE) * MULTIPLE


class Placed(NamedTuple):
    """Where a conversation stands."""

    row: int
    start: int
    segment: int
    """Its number within the row."""


def placed(lengths: NDArray[np.int64], length: int) -> tuple[list[Placed], int]:
    """Return where conversations of some lengths stand in rows of a length, and how many rows they take."""
    from kernels.tokens.mixtures.packing_loops import best_fit

    order = np.argsort(-lengths, kind="stable")
    rows, rooms = np.empty(len(lengths), np.int64), np.empty(len(lengths), np.int64)
    num_rows = best_fit(lengths[order], length, rows, rooms)
    filled, counts = [0] * num_rows, [0] * num_rows
    places = [Placed(0, 0, 0)] * len(lengths)
    for index, row in zip(order.tolist(), rows.tolist(), strict=True):
        places[index] = Placed(row, filled[row], counts[row])
        filled[row] += int(lengths[index])
        counts[row] += 1
    return places, num_rows


class PackedRows(NamedTuple):
    """Rows, and what stands where in them."""

    examples: Examples
    texts_BT: NDArray[np.int64]
    """Of each position the number of its conversation among those that were packed, `NO_SEGMENT` where there is none."""


def packed(texts: Sequence[Text], shape: RowShape) -> PackedRows:
    """Return conversations as a model reads them, none longer than a row and one token more."""
    places, num_rows = placed(np.array([each.num_read for each in texts], np.int64), shape.length)
    size = (max(num_rows, shape.least_rows), shape.length)
    inputs, targets = np.full(size, shape.padding, np.int64), np.full(size, IGNORED, np.int64)
    segments, numbers = np.full(size, NO_SEGMENT, np.int32), np.full(size, NO_SEGMENT, np.int64)
    prefix = np.zeros(size, np.bool_)
    for number, ((ids, is_learned), (row, start, segment)) in enumerate(zip(texts, places, strict=True)):
        end = start + len(ids) - 1
        inputs[row, start:end], segments[row, start:end], numbers[row, start:end] = ids[:-1], segment, number
        targets[row, start:end] = np.where(is_learned[1:], ids[1:], IGNORED)
        prefix[row, start : start + int(is_learned.argmax())] = True
    return PackedRows(Examples(inputs, segments, targets, prefix if shape.is_prefix else None, None, None, 0), numbers)


def rows_of(texts: Sequence[Text], numbers: NDArray[np.int64], shape: RowShape) -> Examples:
    """Return conversations by number as a model reads them."""
    return packed([texts[number] for number in map(int, numbers)], shape).examples


def rows_of_pairs(pairs: Sequence[Pair], references_N2: NDArray[np.float32], numbers: NDArray[np.int64], shape: RowShape) -> Examples:
    """Return pairs by number as a model reads them, with the log-probabilities that are known of all N of them."""
    rows = packed([text for number in map(int, numbers) for text in pairs[number]], shape)
    return rows.examples._replace(pairs=Pairs(numbers, rows.texts_BT, references_N2[numbers]))
