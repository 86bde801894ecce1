"""Pieces of a unigram language model: many seeds, whose chances are learned by EM, and which are given up that cost the likelihood least.

Kudo 2018 (arXiv 1804.10959, section 3.2), as SentencePiece does it but for two things: the seeds are pieces of byte-pair encoding (which the paper
names as a way to make them) instead of frequent substrings, and chances are plain relative frequencies, learned once more at the end. The
`tokenizers` library has a trainer too; it sums in the order of a hash map of random seed, so that no two runs give the same numbers.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NUM_ROUNDS = 2
"""Of EM between two prunings, as in SentencePiece."""
KEPT = 0.75
"""Share of pieces that a pruning keeps, as in SentencePiece."""
SPARE = 1.1
"""How many times the vocabulary is left to the end, when the likeliest are taken (as in SentencePiece)."""
MIN_EXPECTED = 0.5
"""A piece that is expected less often goes (as in SentencePiece); a byte counts as if it were expected so."""
MAX_WORD_BYTES = 96
"""Longer words are learned from in parts."""


class Words(NamedTuple):
    """Words, or pieces, as bytes end to end."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    """[W + 1]."""


class Learned(NamedTuple):
    """Pieces with their log probabilities."""

    pieces: list[bytes]
    scores: NDArray[np.float64]


def flat(words: Sequence[bytes]) -> Words:
    """Return words end to end."""
    return Words(np.frombuffer(b"".join(words), np.uint8), np.cumsum([0, *map(len, words)]))


def learn(counts: Mapping[bytes, int], seeds: Sequence[bytes], num_pieces: int) -> Learned:
    """Return a vocabulary with all bytes in it, at most ``num_pieces`` in all, the likeliest first.

    Args:
        counts: how often each word occurs.
        seeds: what pieces are chosen from, beside the bytes.
        num_pieces: how many are wanted.
    """
    parts: dict[bytes, int] = {}
    for word, count in sorted(counts.items()):
        for start in range(0, len(word), MAX_WORD_BYTES):
            part = word[start : start + MAX_WORD_BYTES]
            parts[part] = parts.get(part, 0) + count
    words, times = flat(list(parts)), np.array(list(parts.values()), np.int64)
    pieces = [bytes([byte]) for byte in range(256)] + sorted({seed for seed in seeds if 1 < len(seed) <= MAX_WORD_BYTES})
    learned = Learned(pieces, np.log(np.full(len(pieces), 1 / len(pieces))))
    while True:
        for _ in range(NUM_ROUNDS):
            learned = _estimated(words, times, learned, MIN_EXPECTED)
        if len(learned.pieces) <= max(num_pieces, 256) * SPARE:
            break
        learned = _pruned(words, times, learned, max(int(num_pieces * SPARE), 256))
    return _sorted(_estimated(words, times, _likeliest(learned, num_pieces), 0.0))


def _longest(words: Words) -> int:
    return int(np.diff(words.offsets).max(initial=1))


def _estimated(words: Words, times: NDArray[np.int64], learned: Learned, least: float) -> Learned:
    """Return pieces with the chances that make the words likeliest by those that they have, without those that are expected less than ``least``."""
    from kernels.tokens.unigram.lattice import expected_counts, plant

    expected, _ = expected_counts(words.data, words.offsets, times, plant(*flat(learned.pieces)), learned.scores, _longest(words))
    kept = [number for number, piece in enumerate(learned.pieces) if len(piece) == 1 or expected[number] >= least]
    counts = np.maximum(expected[kept], MIN_EXPECTED)
    return Learned([learned.pieces[number] for number in kept], np.log(counts / counts.sum()))


def _pruned(words: Words, times: NDArray[np.int64], learned: Learned, least: int) -> Learned:
    """Return the pieces without which the words would become the least likely, bytes among them: a share of all, at least some."""
    from kernels.tokens.unigram.lattice import best_counts, plant

    own, trie = flat(learned.pieces), plant(*flat(learned.pieces))
    used, _ = best_counts(words.data, words.offsets, times, trie, learned.scores, _longest(words), whole=True)
    _, instead = best_counts(own.data, own.offsets, np.zeros(len(learned.pieces), np.int64), trie, learned.scores, _longest(own), whole=False)
    lost = used * (learned.scores - instead)
    order = sorted(range(len(learned.pieces)), key=lambda number: (len(learned.pieces[number]) > 1, -lost[number], learned.pieces[number]))
    kept = sorted(order[: max(least, int(len(order) * KEPT))])
    return Learned([learned.pieces[number] for number in kept], learned.scores[kept])


def _likeliest(learned: Learned, num_pieces: int) -> Learned:
    """Return all bytes and the likeliest of the other pieces."""
    bytes_, longer = ([number for number in _order(learned) if (len(learned.pieces[number]) == 1) == is_byte] for is_byte in (True, False))
    kept = [*bytes_, *longer[: max(0, num_pieces - len(bytes_))]]
    return Learned([learned.pieces[number] for number in kept], learned.scores[kept])


def _sorted(learned: Learned) -> Learned:
    """Return the same, the likeliest first."""
    order = _order(learned)
    return Learned([learned.pieces[number] for number in order], learned.scores[order])


def _order(learned: Learned) -> list[int]:
    return sorted(range(len(learned.pieces)), key=lambda number: (-learned.scores[number], learned.pieces[number]))
