"""Spans of documents that sentinels stand for, and that are predicted behind them (Raffel et al. 2020, arXiv 1910.10683, sections 3.1.4 and 3.3.4).

Of a document of L tokens, round(L times the density) are noise, in round(noise / mean length) spans. Noise and what is kept are each cut at random
into as many runs of at least a token, and these alternate, what is kept first: so the paper's code. Or what is kept has one run more, of which the
first and the last may be empty, so that spans stand anywhere. Where the sentinels are too few there are as many spans as they allow, and longer ones.
What stands before a text is kept before all, and the token that ends it behind all; a text of fewer than two tokens stays whole.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kernels.specs.config import Config
from kernels.specs.objectives import NO_SEGMENT, ControlTokens, Row
from kernels.training.objectives.parts import Parts
from kernels.training.objectives.row_documents import Documents, documents_of, drawn, positions_of, texts_of

MIN_SENTINELS = 2
"""One for a span and one for the end of what is predicted."""
MAX_BEFORE = 1
"""Tokens that a tokenizer may put before texts: with more, rows of short documents would come to more positions than `bounds` tells."""
NUM_AROUND = MAX_BEFORE + 1
"""Tokens of a document that are no text: what stands before it, and what ends it."""


def lacks_sentinels(control: ControlTokens) -> str | None:
    """Return what the vocabulary lacks for spans; None where it has all."""
    if len(control.before) > MAX_BEFORE:
        return (
            f"the tokenizer puts {len(control.before)} tokens before each text, and spans leave room for {MAX_BEFORE}; take one that puts fewer there"
        )
    if len(control.sentinels) >= MIN_SENTINELS:
        return None
    return (
        f"the vocabulary has {len(control.sentinels)} sentinels, and spans need at least {MIN_SENTINELS}; "
        "ask for sentinels (T5 has 100) in the special tokens of the tokenizer"
    )


class SpanConfig(Config):
    """How much is taken out of a document, and in what lengths."""

    noise_density: float = Field(default=0.15, gt=0, lt=1)
    """Share of a document's tokens that are taken out."""
    mean_span_length: float = Field(default=3.0, ge=1)
    """Tokens that a sentinel stands for, on average; more where a document has more spans than there are sentinels."""


class _Noise(NamedTuple):
    """What is taken out of those D documents that are long enough, S spans in all."""

    documents: Documents
    num_noise: NDArray[np.int64]
    """[D], tokens."""
    num_spans: NDArray[np.int64]
    """[D]."""
    starts: NDArray[np.int64]
    """[S], first positions of spans in the row."""
    lengths: NDArray[np.int64]
    """[S], tokens."""


def corrupt(row: Row, config: SpanConfig, anywhere: bool, random: np.random.Generator, control: ControlTokens) -> Parts:
    """Return documents with sentinels for spans, and the spans, each behind its sentinel, with one more sentinel at the end.

    Raises:
        ValueError: the vocabulary has too few sentinels for one span.
    """
    if lack := lacks_sentinels(control):
        raise ValueError(lack)
    noise = _draw(row, config, anywhere, random, control)
    sentinels = np.asarray(control.sentinels, np.int64)
    ordinals = positions_of(np.zeros_like(noise.num_spans), noise.num_spans)  # of each span in its document
    tokens = row.tokens.copy()
    kept = row.segments != NO_SEGMENT
    kept[positions_of(noise.starts, noise.lengths)] = False
    kept[noise.starts] = True
    tokens[noise.starts] = sentinels[ordinals]
    given = Row(tokens[kept], row.segments[kept])
    sizes = noise.num_noise + noise.num_spans + 1
    predicted = np.empty(int(sizes.sum()), np.int64)
    is_noise = np.ones(len(predicted), np.bool_)
    ends = np.cumsum(sizes) - 1
    predicted[ends] = sentinels[noise.num_spans]
    is_noise[ends] = False
    behind = np.repeat(np.arange(len(sizes)), noise.num_spans)  # the end sentinels of the documents before
    places = np.cumsum(noise.lengths) - noise.lengths + np.arange(len(ordinals)) + behind
    predicted[places] = sentinels[ordinals]
    is_noise[places] = False
    predicted[is_noise] = row.tokens[positions_of(noise.starts, noise.lengths)]
    return Parts(given, Row(predicted, np.repeat(noise.documents.numbers, sizes)))


def _draw(row: Row, config: SpanConfig, anywhere: bool, random: np.random.Generator, control: ControlTokens) -> _Noise:
    texts = texts_of(row, documents_of(row), control)
    long = texts.lengths >= 2
    documents = Documents(*(column[long] for column in texts))
    num_noise = np.clip(np.rint(documents.lengths * config.noise_density).astype(np.int64), 1, documents.lengths - 1)
    num_kept = documents.lengths - num_noise
    most = np.minimum(np.minimum(num_noise, num_kept + anywhere), len(control.sentinels) - 1)
    num_spans = np.clip(np.rint(num_noise / config.mean_span_length).astype(np.int64), 1, most)
    noise_lengths = _runs(num_noise, num_spans, random)
    firsts = np.cumsum(num_spans) - num_spans
    if anywhere:
        kept_lengths = np.delete(_runs(num_kept + 2, num_spans + 1, random), np.cumsum(num_spans + 1) - 1)  # of each document the last is behind all
        kept_lengths[firsts] -= 1
    else:
        kept_lengths = _runs(num_kept, num_spans, random)
    pairs = kept_lengths + noise_lengths
    before = np.cumsum(pairs) - pairs  # in all documents
    starts = np.repeat(documents.starts, num_spans) + before - np.repeat(before[firsts], num_spans) + kept_lengths
    return _Noise(documents, num_noise, num_spans, starts, noise_lengths)


def _runs(sizes: NDArray[np.int64], counts: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Return the lengths of so many runs into which each size is cut, one size behind the other; every cut is equally likely."""
    total = int(sizes.sum())
    is_start = np.zeros(total, np.bool_)
    firsts = np.cumsum(sizes) - sizes
    is_start[firsts] = True
    rest = ~is_start
    is_start[rest] = drawn(sizes - 1, counts - 1, random)
    return np.diff(np.flatnonzero(is_start), append=total)


def bounds(config: SpanConfig, row_length: int, max_documents: int) -> tuple[int, int, int]:
    """Return how many tokens a row with spans taken out comes to at most, what is predicted of it, and both together.

    Of a document of L tokens, two of them before and behind its text, n are noise in s spans, (L - 2) density - 1 <= n <= L density + 1 and
    s <= n / mean + 1; what is kept is L - n + s and what is predicted n + s + 1. Always s <= n and s <= L - n + 1.
    """
    noise = row_length * config.noise_density
    least_noise = (row_length - NUM_AROUND * max_documents) * config.noise_density - max_documents
    spans = (noise + max_documents) / config.mean_span_length + max_documents
    given = row_length - least_noise * (1 - 1 / config.mean_span_length) + max_documents
    return (
        min(row_length, math.ceil(given)),
        min(row_length + 2 * max_documents, math.ceil(noise + spans + 2 * max_documents)),
        min(2 * (row_length + max_documents), math.ceil(row_length + 2 * spans + max_documents)),
    )
