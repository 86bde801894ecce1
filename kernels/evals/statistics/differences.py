"""Two models on the same items: the difference with its interval, and how often so large a one comes by chance.

The interval is a paired bootstrap: the same units are drawn for both (Efron and Tibshirani 1993; Koehn 2004 for corpus figures). Where every item is
right or wrong and stands for itself, the p-value is that of McNemar's exact test (1947, Psychometrika 12): of the items on which the two differ, each
falls to either side by a coin. Everywhere else it is that of approximate randomisation (Noreen 1989): the two models' values of whole units are
exchanged by coins, and the p-value is the share of exchanges with a difference at least as large, the observed one counted among them.

Of many comparisons some differ by chance; `holm` (1979, Scand. J. Statist. 6) raises p-values so that all that stay below 0.05 are wrong with that
probability together, however they depend on each other.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

from kernels.evals.statistics.combining import STATISTICS
from kernels.evals.statistics.intervals import drawn_units, percentiles, units_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kernels.evals.statistics.measures import Measure

    F64 = NDArray[np.float64]
    I64 = NDArray[np.int64]

NUM_EXCHANGES = 2000
"""Of the randomisation: the smallest p-value is 1 in so many and one."""
Test = Literal["mcnemar", "randomisation"]


class Difference(NamedTuple):
    """What a model has more than another in one metric, on the items that both were asked."""

    metric: str
    value: float
    other: float
    """Of the other model."""
    difference: float
    low: float
    high: float
    p_value: float
    test: Test
    num_items: int
    num_alone: int
    """Items that only one of them was asked: they are left out."""
    higher_is_better: bool


def difference(measure: "Measure", other: "Measure", num_bootstrap: int, seed: int) -> Difference:
    """Return how a model differs from another in a metric.

    Raises:
        ValueError: the two are of different metrics, or no item was asked of both.
    """
    if (measure.metric, measure.statistic) != (other.metric, other.statistic):
        raise ValueError(f"{measure.metric} of {measure.statistic} and {other.metric} of {other.statistic} are two metrics; compare one with itself")
    common = set(measure.items) & set(other.items)
    if not common:
        raise ValueError(f"{measure.metric}: no item was asked of both models; ask both of the same data")
    num_alone = len(measure.items) + len(other.items) - 2 * len(common)
    first, second = _in_order(measure, common), _in_order(other, common)
    unit_N = units_of(first.about)
    statistic = STATISTICS[first.statistic]
    draws = drawn_units(int(unit_N.max()) + 1, num_bootstrap, seed)
    spread = statistic.resampled(first.values, unit_N, draws) - statistic.resampled(second.values, unit_N, draws)
    low, high = percentiles(spread)
    p_value, test = _p_value(first, second, unit_N, seed)
    told = first.value, second.value, first.value - second.value
    return Difference(measure.metric, *told, low, high, p_value, test, len(common), num_alone, measure.higher_is_better)


def _in_order(measure: "Measure", common: set[str]) -> "Measure":
    """Return a measure of some items in order of their keys."""
    kept = measure.of(common)
    order = sorted(range(len(kept.items)), key=lambda row: kept.items[row])
    return kept._replace(values=kept.values[order], items=[kept.items[row] for row in order], about=[kept.about[row] for row in order])


def _p_value(first: "Measure", second: "Measure", unit_N: "I64", seed: int) -> tuple[float, Test]:
    import numpy as np

    is_binary = first.statistic == "mean" and bool(np.isin(first.values, (0, 1)).all() and np.isin(second.values, (0, 1)).all())
    if is_binary and int(unit_N.max()) + 1 == len(unit_N):
        return mcnemar(int((first.values > second.values).sum()), int((first.values < second.values).sum())), "mcnemar"
    return _by_randomisation(first, second, unit_N, seed), "randomisation"


def mcnemar(num_gained: int, num_lost: int) -> float:
    """Return the exact two-sided p-value of so many items gained and lost."""
    total = num_gained + num_lost
    tail = sum(math.comb(total, count) for count in range(min(num_gained, num_lost) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 1 << total)))


def _by_randomisation(first: "Measure", second: "Measure", unit_N: "I64", seed: int) -> float:
    """Return the p-value of approximate randomisation over units."""
    import numpy as np

    statistic = STATISTICS[first.statistic]
    observed = abs(first.value - second.value)
    random = np.random.default_rng(seed)
    num_as_large = 0
    for _ in range(NUM_EXCHANGES):
        is_exchanged = random.integers(0, 2, int(unit_N.max()) + 1, dtype=bool)[unit_N, None]
        a = np.where(is_exchanged, second.values, first.values)
        b = np.where(is_exchanged, first.values, second.values)
        num_as_large += abs(statistic.value(a) - statistic.value(b)) >= observed * (1 - 1e-12)
    return (num_as_large + 1) / (NUM_EXCHANGES + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values raised for how many there are (Holm's step-down), in their order."""
    raised = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        raised[index] = highest
    return raised
