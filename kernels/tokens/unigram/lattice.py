"""Sums over all ways of cutting words into pieces, and the best of those ways, compiled (Kudo 2018, arXiv 1804.10959, section 3.2).

Words and pieces are bytes end to end with offsets. Every word is gone through in order, so that sums are the same in every run.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.tokens.compiled import compiled

NOTHING = -1e300
"""The logarithm of no chance at all, with room to add to."""


@compiled
def plant(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Return the trie of pieces: keys (node x 256 + byte, -1 where a slot is free), the nodes they lead to, and the piece at each node or -1."""
    room = 1024
    while room < 2 * (len(data) + 1):
        room *= 2
    keys, nodes = np.full(room, -1, np.int64), np.zeros(room, np.int32)
    pieces = np.full(len(data) + 1, -1, np.int32)
    num_nodes = 1
    for piece in range(len(offsets) - 1):
        node = 0
        for place in range(offsets[piece], offsets[piece + 1]):
            key = np.int64(node) * 256 + data[place]
            slot = _slot(keys, key)
            if keys[slot] < 0:
                keys[slot], nodes[slot] = key, num_nodes
                num_nodes += 1
            node = nodes[slot]
        pieces[node] = piece
    return keys, nodes, pieces[:num_nodes].copy()


@compiled
def _slot(keys: NDArray[np.int64], key: int) -> int:
    """Return the slot of a key, or the free one where it would stand."""
    digest = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64((digest >> np.uint64(20)) & np.uint64(len(keys) - 1))
    while keys[slot] >= 0 and keys[slot] != key:
        slot = (slot + 1) & (len(keys) - 1)
    return int(slot)


@compiled
def _sum_of_logs(one: Any, other: Any) -> Any:
    if one < other:
        one, other = other, one
    return one if other - one < -50 else one + np.log1p(np.exp(other - one))


@compiled
def matches(data: NDArray[np.uint8], keys: NDArray[np.int64], nodes: NDArray[np.int32], pieces: NDArray[np.int32], found: NDArray[np.int32]) -> int:
    """Write all places where pieces stand in one word, [M, 3] of start, end and piece, in order of start; return how many."""
    count = 0
    for start in range(len(data)):
        node = 0
        for place in range(start, len(data)):
            slot = _slot(keys, np.int64(node) * 256 + data[place])
            if keys[slot] < 0:
                break
            node = nodes[slot]
            if pieces[node] >= 0:
                found[count, 0], found[count, 1], found[count, 2] = start, place + 1, pieces[node]
                count += 1
    return count


@compiled
def expected_counts(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    trie: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]],
    scores: NDArray[np.float64],
    longest: int,
) -> tuple[NDArray[np.float64], float]:
    """Return how often each piece is expected in some words, and the log likelihood of the words.

    Args:
        data: the words end to end.
        offsets: [W + 1].
        counts: [W] how often each occurs.
        trie: of the pieces.
        scores: [V] log probabilities of the pieces.
        longest: bytes of the longest word.
    """
    expected, likelihood = np.zeros(len(scores)), 0.0
    found = np.empty((longest * (longest + 1) // 2, 3), np.int32)
    ahead, behind = np.empty(longest + 1), np.empty(longest + 1)
    for word in range(len(counts)):
        length = offsets[word + 1] - offsets[word]
        count = matches(data[offsets[word] : offsets[word + 1]], trie[0], trie[1], trie[2], found)
        ahead[: length + 1], behind[: length + 1] = NOTHING, NOTHING
        ahead[0], behind[length] = 0.0, 0.0
        for match in range(count):
            start, end, piece = found[match, 0], found[match, 1], found[match, 2]
            ahead[end] = _sum_of_logs(ahead[end], ahead[start] + scores[piece])
        for match in range(count - 1, -1, -1):
            start, end, piece = found[match, 0], found[match, 1], found[match, 2]
            behind[start] = _sum_of_logs(behind[start], behind[end] + scores[piece])
        for match in range(count):
            start, end, piece = found[match, 0], found[match, 1], found[match, 2]
            expected[piece] += counts[word] * np.exp(ahead[start] + scores[piece] + behind[end] - ahead[length])
        likelihood += counts[word] * ahead[length]
    return expected, likelihood


@compiled
def best_counts(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    trie: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]],
    scores: NDArray[np.float64],
    longest: int,
    *,
    whole: bool,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how often each piece stands in the best cuts of words, and the log probability of each word's (``whole``: a word may be one piece)."""
    used, best = np.zeros(len(scores), np.int64), np.zeros(len(counts))
    found = np.empty((longest * (longest + 1) // 2, 3), np.int32)
    ahead, through = np.empty(longest + 1), np.empty(longest + 1, np.int32)
    for word in range(len(counts)):
        length = offsets[word + 1] - offsets[word]
        count = matches(data[offsets[word] : offsets[word + 1]], trie[0], trie[1], trie[2], found)
        ahead[: length + 1] = NOTHING
        ahead[0] = 0.0
        for match in range(count):
            start, end, piece = found[match, 0], found[match, 1], found[match, 2]
            if ahead[start] + scores[piece] > ahead[end] and (whole or end - start < length):
                ahead[end], through[end] = ahead[start] + scores[piece], match
        best[word] = ahead[length]
        place = length
        while place > 0 and ahead[length] > NOTHING:
            used[found[through[place], 2]] += counts[word]
            place = found[through[place], 0]
    return used, best
