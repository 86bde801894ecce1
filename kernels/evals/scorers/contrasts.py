"""Scores of some of the items, of two sets of them against each other, and of items that differ in one word.

A subset of a recipe (``num_items``) may hold none of what a metric is of: that is an error, since a figure of nothing says nothing.
"""

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from kernels.evals.datasets.items import Item
from kernels.evals.scorers.scorer import Value, each

Score = Callable[[Item, Any], float]
Values = Callable[[Sequence[Item], Sequence[Any]], list[Value]]


def nothing(item: Item) -> float:
    """Return 0: what guessing gives of a difference, and of a bias score."""
    return 0.0


def half(item: Item) -> float:
    """Return 0.5: what guessing gives between two."""
    return 0.5


def among(holds: Callable[[Item], bool], score: Callable[[Item, Any], float | Sequence[float]], what: str) -> Values:
    """Return the values of those items alone of which something holds; ``what`` they are called in the error where there are none.

    The values raise ValueError: no such item is asked.
    """

    def values(items: Sequence[Item], answers: Sequence[Any]) -> list[Value]:
        kept = [(item, answer) for item, answer in zip(items, answers, strict=True) if holds(item)]
        if not kept:
            raise ValueError(f"no {what} is among the {len(items)} items that are asked; ask more by num_items")
        return each(score)([item for item, _ in kept], [answer for _, answer in kept])

    return values


def between(is_first: Callable[[Item], bool], is_second: Callable[[Item], bool], score: Score, what: str) -> Values:
    """Return values for the statistic ``difference_of_rates``: hits and items of a first set, hits and items of a second.

    The values raise ValueError: either set is empty.
    """

    def row(item: Item, answer: Any) -> Sequence[float]:
        hit = score(item, answer)
        return (hit, 1.0, 0.0, 0.0) if is_first(item) else (0.0, 0.0, hit, 1.0)

    def values(items: Sequence[Item], answers: Sequence[Any]) -> list[Value]:
        if not any(map(is_first, items)) or not any(map(is_second, items)):
            raise ValueError(f"{what} are not both among the {len(items)} items that are asked; ask more by num_items")
        return among(lambda item: is_first(item) or is_second(item), row, what)(items, answers)

    return values


def across(score: Score, holds: Callable[[Item], bool] = lambda item: True) -> Values:
    """Return one value for each thing that several items are about: the mean difference of two of them, whatever they differ in.

    The values raise ValueError: no two items that are asked are about one thing.
    """

    def values(items: Sequence[Item], answers: Sequence[Any]) -> list[Value]:
        told: dict[str, list[float]] = {}
        for item, answer in zip(items, answers, strict=True):
            if item.about is not None and holds(item):
                told.setdefault(item.about, []).append(score(item, answer))
        gaps = {about: [abs(one - other) for one, other in combinations(some, 2)] for about, some in told.items() if len(some) > 1}
        if not gaps:
            raise ValueError(f"no two of the {len(items)} items that are asked differ in one word only; ask more by num_items")
        return [Value(about, about, (math.fsum(some) / len(some),)) for about, some in gaps.items()]

    return values
