"""Percentile bootstrap intervals of a mean and of a ratio of sums.

The units (items, documents) are drawn with replacement, the statistic is computed again on each draw, and the interval is
between its lower and upper percentiles: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. Items about one thing are
right or wrong together: they are drawn together, or the interval is too narrow (Miller 2024, arXiv 2411.00640, section 2.2).

Where all items are right, or all wrong, every draw is the same and the bootstrap would claim to know exactly: there the interval is that of Clopper
and Pearson (1934, Biometrika 26) for as many units.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Interval(NamedTuple):
    """The two ends of a confidence interval."""

    low: float
    high: float


def bootstrap_interval(values: "ArrayLike", num_bootstrap: int, seed: int, level: float = 0.95, about: Sequence[str] | None = None) -> Interval:
    """Return the interval of the mean of N values at a confidence level.

    Args:
        values: of the items: 1 where it is right, 0 where it is wrong, or any others.
        num_bootstrap: draws.
        seed: of the draws.
        level: how often such an interval holds what it is of.
        about: what each item is about; those of one thing are drawn together, unless all are of one. Left out, each is about something else.

    Raises:
        ValueError: there are no values, or one is not finite.
    """
    import numpy as np

    values_N = np.asarray(values, dtype=np.float64)
    is_each_apart = about is None or len(set(about)) == 1
    num_units = len(values_N) if about is None or is_each_apart else len(set(about))
    if values_N.size and (values_N == values_N[0]).all() and values_N[0] in (0, 1):
        away = 1 - ((1 - level) / 2) ** (1 / num_units)
        return Interval(1 - away, 1.0) if values_N[0] else Interval(0.0, away)
    if about is None or is_each_apart:
        return bootstrap_ratio_interval(values_N, np.ones_like(values_N), num_bootstrap, seed, level)
    numbers = {thing: number for number, thing in enumerate(dict.fromkeys(about))}
    group_N = np.array([numbers[thing] for thing in about], dtype=np.int64)
    return bootstrap_ratio_interval(np.bincount(group_N, values_N), np.bincount(group_N), num_bootstrap, seed, level)


def bootstrap_ratio_interval(numerators: "ArrayLike", denominators: "ArrayLike", num_bootstrap: int, seed: int, level: float = 0.95) -> Interval:
    """Return the interval of ``sum(numerators) / sum(denominators)``, N units drawn as pairs (such as bits and bytes a document).

    Raises:
        ValueError: there are no values, one is not finite, the shapes differ, or a denominator is not above zero.
    """
    import numpy as np

    numerators_N = np.asarray(numerators, dtype=np.float64)
    denominators_N = np.asarray(denominators, dtype=np.float64)
    if numerators_N.shape != denominators_N.shape or numerators_N.ndim != 1 or numerators_N.size == 0:
        raise ValueError(f"a bootstrap needs two equally long lists, not shapes {numerators_N.shape} and {denominators_N.shape}")
    if not np.isfinite(numerators_N).all() or not np.isfinite(denominators_N).all() or (denominators_N <= 0).any():
        raise ValueError("a bootstrap needs finite values over denominators above zero; look for a model that gives NaN")
    random = np.random.default_rng(seed)
    ratios = np.empty(num_bootstrap)
    for draw in range(num_bootstrap):  # one draw at a time, so that memory stays at N
        chosen_N = random.integers(0, numerators_N.size, numerators_N.size)
        ratios[draw] = numerators_N[chosen_N].sum() / denominators_N[chosen_N].sum()
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
