"""How far probabilities can be believed: expected calibration error (Guo et al. 2017, arXiv 1706.04599) and Brier score (Brier 1950, MWR 78(1)).

Shape letters: ... any leading axes, M bins.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def calibration_statistics(confidence: float, is_right: bool, num_bins: int = 15) -> list[float]:
    """Return an item's 3 M values: for each bin, whether it is in it, then its confidence, then whether it is right, 0 outside its bin.

    Args:
        confidence: the probability that the model gives its answer.
        is_right: the answer.
        num_bins: M, of equal width; a bin holds its upper end, and the first 0 too. The paper has 15.

    Raises:
        ValueError: the confidence is no probability.
    """
    _check_probability(confidence)
    bins = [0.0] * (3 * num_bins)
    chosen = bisect_left([number / num_bins for number in range(1, num_bins + 1)], confidence)
    bins[chosen], bins[num_bins + chosen], bins[2 * num_bins + chosen] = 1.0, confidence, float(is_right)
    return bins


def expected_calibration_error(sums: F64) -> F64:
    """Return the expected calibration error, 0..1, [...], of summed values, [..., 3 M]; without items it is 0.

    It is the mean over bins of the distance between accuracy and mean confidence, each weighed by its items: both times the items are sums.
    """
    counts, confidences, rights = np.split(sums, 3, axis=-1)
    return np.abs(rights - confidences).sum(-1) / np.maximum(counts.sum(-1), 1.0)


def brier(probabilities: Sequence[float], expected: int) -> float:
    """Return an item's squared distance, 0..2, between the probabilities of all classes and the class that was right, as Brier has it.

    Raises:
        ValueError: they are no probabilities, do not sum to 1 within a thousandth, or there is no such class.
    """
    for probability in probabilities:
        _check_probability(probability)
    if abs(math.fsum(probabilities) - 1) > 1e-3:
        raise ValueError(f"probabilities of classes sum to {math.fsum(probabilities)}, not 1; normalize them")
    if not 0 <= expected < len(probabilities):
        raise ValueError(f"class {expected} is none of {len(probabilities)}; give the index of the right one")
    return math.fsum((probability - (label == expected)) ** 2 for label, probability in enumerate(probabilities))


def brier_binary(probability: float, happened: bool) -> float:
    """Return an item's squared error, 0..1, of the probability of an event: half of what `brier` gives its two classes.

    Raises:
        ValueError: it is no probability.
    """
    _check_probability(probability)
    return (probability - happened) ** 2


def _check_probability(value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{value} is no probability; look for a model that gives NaN, or for a score that was not normalized")
