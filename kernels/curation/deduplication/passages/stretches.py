"""The stretches of documents in which passages are looked for and cut: a whole text, or each piece of a conversation that may be cut.

No passage reaches over the end of a stretch. Within one conversation nothing counts as said before: an answer may quote the question, and of
what a chosen and a rejected answer have in common, a cut would leave the one and take the other.
"""

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernels.documents.conversations import turns_of
from kernels.documents.pieces import BETWEEN, pieces_of

if TYPE_CHECKING:
    import polars as pl

I64 = NDArray[np.int64]


class Stretches(NamedTuple):
    """S stretches of N documents, in order."""

    texts: "pl.Series"
    """str, S."""
    rows: I64
    """S: which document each is of, ascending."""
    starts: I64
    """S: its first character in the document's text."""
    is_conversation: NDArray[np.bool_]
    """N: whether a document is a conversation."""


def stretches_of(documents: pa.Table) -> Stretches:
    """Return the stretches of documents (columns text and turns)."""
    import polars as pl

    texts = cast(pl.Series, pl.from_arrow(documents["text"]))  # pyright: ignore[reportUnknownMemberType]
    turns = turns_of(documents["turns"])
    is_conversation = np.array([found is not None for found in turns], bool)
    if not is_conversation.any():
        return Stretches(texts, np.arange(len(texts)), np.zeros(len(texts), np.int64), is_conversation)
    found_at: list[tuple[int, int, str]] = []
    for row, (text, found) in enumerate(zip(texts.to_list(), turns, strict=True)):
        place = 0
        for part, may_be_cut in [(text, True)] if found is None else pieces_of(found):
            if may_be_cut:
                found_at.append((row, place, part))
            place += len(part) + len(BETWEEN)
    parts = pl.Series([part for _, _, part in found_at], dtype=pl.String)
    places = np.array([found[:2] for found in found_at], np.int64).reshape(-1, 2)
    return Stretches(parts, places[:, 0], places[:, 1], is_conversation)
