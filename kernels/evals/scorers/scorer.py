"""A scorer: the metric that it gives, and what each answer contributes to it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kernels.evals.datasets.items import Item
from kernels.evals.statistics.measures import Measure


class Value(NamedTuple):
    """What one item, or several about one thing, contribute to a metric."""

    key: str
    about: str
    values: Sequence[float]
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """One metric of a benchmark."""

    metric: str
    values: Callable[[Sequence[Item], Sequence[Any]], list[Value]]
    """Takes items and the solver's answers to them."""
    statistic: str = "mean"
    """How values become the metric: a name of `kernels.evals.statistics.combining.STATISTICS`."""
    chance: Callable[[Item], float] | None = None
    """What guessing gives of an item; its mean is the chance line."""
    higher_is_better: bool = True
    by_group: bool = False
    """Whether it is told of each group of items too."""


def each(score: Callable[[Item, Any], float | Sequence[float]]) -> Callable[[Sequence[Item], Sequence[Any]], list[Value]]:
    """Return the values of items one by one."""

    def values(items: Sequence[Item], answers: Sequence[Any]) -> list[Value]:
        found: list[Value] = []
        for item, answer in zip(items, answers, strict=True):
            told = score(item, answer)
            numbers = told if isinstance(told, Sequence) else (float(told),)
            found.append(Value(item.key, item.key if item.about is None else item.about, numbers, item.groups))
        return found

    return values


def measured(scorer: Scorer, items: Sequence[Item], answers: Sequence[Any]) -> list[Measure]:
    """Return the measure of a scorer, and those of groups where it tells them, named ``metric/group``."""
    values = scorer.values(items, answers)
    found = [_measure(scorer, scorer.metric, values, items)]
    groups = sorted({group for value in values for group in value.groups}) if scorer.by_group else []
    for group in groups:
        within = [value for value in values if group in value.groups]
        of_group = [item for item in items if group in item.groups]
        found.append(_measure(scorer, f"{scorer.metric}/{group}", within, of_group))
    return found


def _measure(scorer: Scorer, metric: str, values: Sequence[Value], items: Sequence[Item]) -> Measure:
    import numpy as np

    chance = None if scorer.chance is None else math.fsum(map(scorer.chance, items)) / len(items)
    numbers = np.array([value.values for value in values], np.float64)
    keys, about = [value.key for value in values], [value.about for value in values]
    return Measure(metric, numbers, keys, about, scorer.statistic, chance, scorer.higher_is_better)
