"""Percentile bootstrap intervals of what is combined from items.

The units (items, documents) are drawn with replacement, the figure is computed again on each draw, and the interval is
between its lower and upper percentiles: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. Items about one thing are
right or wrong together: they are drawn together, or the interval is too narrow (Miller 2024, arXiv 2411.00640, section 2.2).

Where all items are right, or all wrong, every draw is the same and the bootstrap would claim to know exactly: there the interval is that of Clopper
and Pearson (1934, Biometrika 26) for as many units.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kernels.evals.statistics.combining import STATISTICS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    F64 = NDArray[np.float64]
    I64 = NDArray[np.int64]


class Interval(NamedTuple):
    """The two ends of a confidence interval."""

    low: float
    high: float


def units_of(about: Sequence[str]) -> "I64":
    """Return the number of each item's unit, [N]: what it is about, or each by itself where all are about one thing."""
    import numpy as np

    numbers = {thing: number for number, thing in enumerate(dict.fromkeys(about))}
    return np.arange(len(about)) if len(numbers) == 1 else np.array([numbers[thing] for thing in about], np.int64)


def drawn_units(num_units: int, num_bootstrap: int, seed: int) -> "list[I64]":
    """Return so many draws of units with replacement, each as many as there are."""
    import numpy as np

    random = np.random.default_rng(seed)
    return [random.integers(0, num_units, num_units) for _ in range(num_bootstrap)]


def percentiles(figures: "F64", level: float = 0.95) -> Interval:
    """Return the interval between the lower and the upper percentile of resampled figures, [B]."""
    import numpy as np

    largest = np.finfo(np.float64).max
    ends = np.quantile(np.minimum(figures, largest), [(1 - level) / 2, (1 + level) / 2])
    low, high = (math.inf if end == largest else float(end) for end in ends)
    return Interval(low, high)


def bootstrap_interval(values: "F64", about: Sequence[str], statistic: str, num_bootstrap: int, seed: int, level: float = 0.95) -> Interval:
    """Return the interval of a figure at a confidence level.

    Args:
        values: of the items, [N, S].
        about: what each item is about; those of one thing are drawn together, unless all are of one.
        statistic: a name of `STATISTICS`.
        num_bootstrap: draws.
        seed: of the draws.
        level: how often such an interval holds what it is of.

    Raises:
        ValueError: there are no values, or one is not finite.
    """
    import numpy as np

    if not values.size or len(values) != len(about):
        raise ValueError(f"a bootstrap needs values of items, and what each is about: not {values.shape} and {len(about)}")
    if not np.isfinite(values).all():
        raise ValueError("a bootstrap needs finite values; look for a model that gives NaN")
    unit_N = units_of(about)
    num_units = int(unit_N.max()) + 1
    if statistic == "mean" and (values == values[0]).all() and values[0, 0] in (0, 1):
        away = 1 - ((1 - level) / 2) ** (1 / num_units)
        return Interval(1 - away, 1.0) if values[0, 0] else Interval(0.0, away)
    return percentiles(STATISTICS[statistic].resampled(values, unit_N, drawn_units(num_units, num_bootstrap, seed)), level)
