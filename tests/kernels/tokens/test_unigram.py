"""The unigram model: what pieces are worth, and which are kept (Kudo 2018)."""

import math
from itertools import pairwise

import numpy as np
import pytest

from kernels.tokens.unigram.lattice import best_counts, expected_counts, plant
from kernels.tokens.unigram.training import flat, learn


def cuts(word: bytes) -> list[list[bytes]]:
    """Return all ways of cutting a word."""
    places = range(1, len(word))
    chosen = [[place for place in places if mask >> (place - 1) & 1] for mask in range(1 << max(0, len(word) - 1))]
    return [[word[start:end] for start, end in pairwise([0, *inner, len(word)])] for inner in chosen]


PIECES = [b"a", b"b", b"ab", b"ba", b"aba"]
CHANCES = [0.3, 0.2, 0.25, 0.15, 0.1]


def test_expected_counts_are_those_of_all_cuts_weighed_by_their_chance() -> None:
    words, times = [b"abab", b"aba", b"b"], [2, 3, 1]
    chance = dict(zip(PIECES, CHANCES, strict=True))
    expected, likelihood = dict.fromkeys(PIECES, 0.0), 0.0
    for word, count in zip(words, times, strict=True):
        ways = [(way, math.prod(chance[piece] for piece in way)) for way in cuts(word) if chance.keys() >= set(way)]
        total = sum(each for _, each in ways)
        likelihood += count * math.log(total)
        for way, each in ways:
            for piece in way:
                expected[piece] += count * each / total
    given = flat(words)
    found, log_likelihood = expected_counts(given.data, given.offsets, np.array(times), plant(*flat(PIECES)), np.log(CHANCES), 4)
    assert found.tolist() == pytest.approx(list(expected.values())) and log_likelihood == pytest.approx(likelihood)


def test_the_best_cut_is_the_likeliest_and_may_be_asked_for_without_the_whole() -> None:
    given, trie = flat([b"aba", b"ab"]), plant(*flat(PIECES))
    used, best = best_counts(given.data, given.offsets, np.array([5, 2]), trie, np.log(CHANCES), 3, whole=True)
    assert used.tolist() == [0, 0, 2, 0, 5] and best.tolist() == pytest.approx([math.log(0.1), math.log(0.25)])
    used, best = best_counts(given.data, given.offsets, np.array([5, 2]), trie, np.log(CHANCES), 3, whole=False)
    assert used.tolist() == [7, 2, 5, 0, 0] and best.tolist() == pytest.approx([math.log(0.25 * 0.3), math.log(0.3 * 0.2)])


def test_pieces_that_words_are_made_of_are_kept_and_all_bytes() -> None:
    counts = {b"lower": 50, b"lowest": 40, b"newer": 60, b"newest": 30, b"wide": 2}
    seeds = [b"low", b"new", b"er", b"est", b"we", b"wer", b"ow", b"wide", b"lowe", b"newe", b"zz"]
    learned = learn(counts, seeds, 259)
    assert len(learned.pieces) == 259 and {bytes([byte]) for byte in range(256)} < set(learned.pieces)
    assert [piece for piece in learned.pieces if len(piece) > 1] == [b"er", b"low", b"est"]
    assert np.exp(learned.scores).sum() == pytest.approx(1) and (np.diff(learned.scores) <= 0).all()


def test_the_order_of_words_and_seeds_means_nothing() -> None:
    counts = {bytes([97 + number % 7, 98 + number % 3]) * (1 + number % 4): number for number in range(1, 60)}
    seeds = [word for word in counts if len(word) > 2]
    one, other = learn(counts, seeds, 265), learn(dict(reversed(counts.items())), seeds[::-1], 265)
    assert one.pieces == other.pieces and one.scores.tolist() == other.scores.tolist()
