"""Spans that BIO tags mark, counted as CoNLL's evaluation does (Tjong Kim Sang and De Meulder 2003, ACL W03-0419; seqeval's default).

A span is right where its type and both ends are. A tag ``I-x`` that follows no tag of type ``x`` begins a span as ``B-x`` does.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


class Span(NamedTuple):
    """Tokens from ``start`` up to, not including, ``end``."""

    kind: str
    start: int
    end: int


def spans_of(tags: Sequence[str]) -> list[Span]:
    """Return the spans that the tags of a sentence mark, in order.

    Raises:
        ValueError: a tag is neither ``O`` nor begins with ``B`` or ``I``.
    """
    spans: list[Span] = []
    kind_before: str | None = None
    start = 0
    for position, tag in enumerate((*tags, "O")):
        prefix, _, kind = tag.partition("-")
        if prefix not in ("B", "I") and tag != "O":
            raise ValueError(f"tag {position}, {tag!r}, is no BIO tag; give O, B-type or I-type")
        now = None if tag == "O" else kind
        if kind_before is not None and (prefix != "I" or now != kind_before):
            spans.append(Span(kind_before, start, position))
        if prefix == "B" or now != kind_before:
            start = position
        kind_before = now
    return spans


def span_statistics(expected: Sequence[str], predicted: Sequence[str]) -> list[float]:
    """Return three counts of a sentence: spans that are right, spans predicted that are none, spans missed.

    Raises:
        ValueError: the two have not as many tags, or see `spans_of`.
    """
    if len(expected) != len(predicted):
        raise ValueError(f"{len(predicted)} tags are predicted of {len(expected)} tokens; give one tag a token")
    wanted, given = set(spans_of(expected)), set(spans_of(predicted))
    return [float(len(wanted & given)), float(len(given - wanted)), float(len(wanted - given))]


def span_f1(sums: F64) -> F64:
    """Return the F1, 0..1, [...], of summed counts, [..., 3]. Where there is no span at all it is 0."""
    right, wrong, missed = sums[..., 0], sums[..., 1], sums[..., 2]
    denominator = 2 * right + wrong + missed
    return 2 * right / np.where(denominator > 0, denominator, 1.0)
