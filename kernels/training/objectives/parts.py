"""What of each document is given and what of it is predicted, and the two forms in which a model takes that.

An encoder reads what is given and a decoder goes on from it (Raffel et al. 2020, arXiv 1910.10683), or one stack reads both, the given part
as a prefix whose tokens all look at each other (figure 4 there).
"""

from typing import NamedTuple

import numpy as np

from kernels.specs.objectives import IGNORED, ControlTokens, Example, Row
from kernels.training.objectives.row_documents import padded, padded_row


class Parts(NamedTuple):
    """Both are of the documents of one row, in order and without padding; of a document from which nothing is predicted, ``predicted`` holds none."""

    given: Row
    """[A]."""
    predicted: Row
    """[U]."""


def read_by_encoder(parts: Parts, control: ControlTokens, lengths: tuple[int, int]) -> Example:
    """Return an example of an encoder and a decoder, which starts each document by the padding token, as T5 does.

    Raises:
        ValueError: a part is longer than its length.
    """
    predicted = parts.predicted
    read = np.full(len(predicted.tokens), control.padding, np.int64)
    within = predicted.segments[1:] == predicted.segments[:-1]
    read[1:][within] = predicted.tokens[:-1][within]
    return Example(
        inputs=padded_row(parts.given, lengths[0], control),
        targets=padded(predicted.tokens, lengths[1], IGNORED),
        decoder=padded_row(Row(read, predicted.segments), lengths[1], control),
    )


def read_as_prefix(parts: Parts, control: ControlTokens, length: int) -> Example:
    """Return an example of one stack: of each document the given part, then the predicted one, whose first token its last given token predicts.

    Raises:
        ValueError: both are longer than the length.
    """
    segments = np.concatenate((parts.given.segments, parts.predicted.segments))
    order = np.argsort(segments, kind="stable")  # the given part of a document stays before the predicted one
    row = Row(np.concatenate((parts.given.tokens, parts.predicted.tokens))[order], segments[order])
    prefix = order < len(parts.given.tokens)
    targets = np.full(length, IGNORED, np.int64)
    inputs = padded_row(row, length, control)
    within = (row.segments[1:] == row.segments[:-1]) & ~prefix[1:]
    targets[: len(within)][within] = row.tokens[1:][within]
    return Example(inputs=inputs, targets=targets, prefix=padded(prefix.astype(np.int64), length, 0) == 1)
