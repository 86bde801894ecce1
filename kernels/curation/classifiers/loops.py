"""The loops of the hashed n-gram classifier: character 3-5-grams and word 1-2-grams, one pass over the bytes, FNV-1a hashes."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled

PRIME = np.uint64(0x100000001B3)
BASIS = np.uint64(0xCBF29CE484222325)
MIX = np.uint64(0x9E3779B97F4A7C15)


@compiled
def features(data: NDArray[np.uint8], bits: int, out: NDArray[np.int64]) -> int:
    """Write the bucket of every n-gram of one lower-cased text to ``out`` (5 places a byte + 4); return how many."""
    count = 0
    shift = np.uint64(64 - bits)
    size = len(data)
    word, before = BASIS, BASIS
    for place in range(size + 1):
        byte = np.uint64(data[place]) if place < size else np.uint64(32)
        if byte > np.uint64(32):
            word = (word ^ byte) * PRIME
        elif word != BASIS:
            out[count] = np.int64((word * MIX) >> shift)
            out[count + 1] = np.int64(((before * PRIME ^ word) * MIX) >> shift)
            count += 2
            before, word = word, BASIS
        gram = ~BASIS
        for length in range(1, 6):
            if place + length > size:
                break
            gram = (gram ^ np.uint64(data[place + length - 1])) * PRIME
            if length >= 3:
                out[count] = np.int64((gram * MIX) >> shift)
                count += 1
    return count


@compiled
def score(data: NDArray[np.uint8], offsets: NDArray[np.int64], weights: NDArray[np.float32], bits: int) -> NDArray[np.float64]:
    """Return the summed weights of the n-grams of N texts over the root of their number, plus the bias, which stands last in ``weights``."""
    scores = np.zeros(len(offsets) - 1)
    if len(scores) == 0:
        return scores
    out = np.empty(5 * np.max(np.diff(offsets)) + 4, np.int64)
    for row in range(len(scores)):
        count = features(data[offsets[row] : offsets[row + 1]], bits, out)
        total = 0.0
        for place in range(count):
            total += weights[out[place]]
        scores[row] = total / np.sqrt(max(count, 1)) + weights[len(weights) - 1]
    return scores


@compiled
def descend(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    labels: NDArray[np.bool_],
    order: NDArray[np.int64],
    weights: NDArray[np.float32],
    squares: NDArray[np.float32],
    bits: int,
    learning_rate: float,
) -> None:
    """Run one epoch of Adagrad on the logistic loss, in place."""
    out = np.empty(5 * np.max(np.diff(offsets)) + 4, np.int64)
    bias = len(weights) - 1
    for row in order:
        count = features(data[offsets[row] : offsets[row + 1]], bits, out)
        scale = 1.0 / np.sqrt(max(count, 1))
        total = 0.0
        for place in range(count):
            total += weights[out[place]]
        error = 1.0 / (1.0 + np.exp(-(total * scale + weights[bias]))) - labels[row]
        for place in range(count):
            at = out[place]
            slope = error * scale
            squares[at] += slope * slope
            weights[at] -= learning_rate * slope / np.sqrt(squares[at] + 1e-8)
        squares[bias] += error * error
        weights[bias] -= learning_rate * error / np.sqrt(squares[bias] + 1e-8)
