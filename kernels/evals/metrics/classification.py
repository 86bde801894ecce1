"""Figures of classes and of grades as functions of sums over items, so that a bootstrap adds rows up and asks once.

Where a figure is not defined (a class that nothing has, a column without spread) it is 0, as scikit-learn gives it.

Shape letters: ... any leading axes, K classes, N items.
"""

import math

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_NO_SPREAD = 1e-12
"""Share of a sum of squares below which a variance is rounding and not spread: sums of 64-bit floats."""


def confusion_statistics(expected: int, predicted: int, num_classes: int) -> list[float]:
    """Return an item's K K values: 1 at ``expected * K + predicted``, 0 elsewhere.

    Raises:
        ValueError: one is no class.
    """
    for label in (expected, predicted):
        if not 0 <= label < num_classes:
            raise ValueError(f"class {label} is none of {num_classes}; give an answer that names no class a class of its own")
    values = [0.0] * (num_classes * num_classes)
    values[expected * num_classes + predicted] = 1.0
    return values


def matthews(sums: F64) -> F64:
    """Return Matthews' correlation, -1..1, [...], of summed confusions, [..., K K].

    Of two classes that of Matthews (1975, BBA 405), of more that of Gorodkin (2004, Comput. Biol. Chem. 28). Where all items are expected
    to be of one class, or all predicted to be, it is 0.
    """
    confusion = _confusion(sums)
    expected, predicted = confusion.sum(-1), confusion.sum(-2)
    total, right = expected.sum(-1), np.trace(confusion, axis1=-2, axis2=-1)
    together = right * total - (expected * predicted).sum(-1)
    spread = (total**2 - (expected**2).sum(-1)) * (total**2 - (predicted**2).sum(-1))
    return np.where(spread > 0, together / np.sqrt(np.where(spread > 0, spread, 1.0)), 0.0)


def class_f1(sums: F64, label: int) -> F64:
    """Return the F1 of one class, 0..1, [...], of summed confusions, [..., K K]; 0 where nothing is or is said to be of it."""
    return _all_f1(sums)[..., label]


def macro_f1(sums: F64) -> F64:
    """Return the mean F1 of all K classes, 0..1, [...], of summed confusions, [..., K K]; a class that nothing has counts, with 0."""
    return _all_f1(sums).mean(-1)


def _all_f1(sums: F64) -> F64:
    """Return the F1 of each class, [..., K]."""
    confusion = _confusion(sums)
    sizes = confusion.sum(-1) + confusion.sum(-2)
    return 2 * np.diagonal(confusion, axis1=-2, axis2=-1) / np.where(sizes > 0, sizes, 1.0)


def _confusion(sums: F64) -> F64:
    """Return sums as [..., K, K], expected by predicted."""
    num_classes = math.isqrt(sums.shape[-1])
    return sums.reshape(*sums.shape[:-1], num_classes, num_classes)


def pearson_statistics(expected: float, predicted: float) -> list[float]:
    """Return an item's six values: 1, both numbers, both squares, and the product."""
    return [1.0, expected, predicted, expected**2, predicted**2, expected * predicted]


def pearson(sums: F64) -> F64:
    """Return Pearson's correlation, -1..1, [...], of summed values, [..., 6]; 0 where one of the two does not vary.

    Sums of squares lose digits of numbers whose spread is far below their size: shift such numbers to around 0 first.
    """
    total, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    spread_x, spread_y = total * xx - x**2, total * yy - y**2
    varies = (spread_x > _NO_SPREAD * total * xx) & (spread_y > _NO_SPREAD * total * yy)
    denominator = np.sqrt(np.where(varies, spread_x * spread_y, 1.0))
    return np.where(varies, np.clip((total * xy - x * y) / denominator, -1.0, 1.0), 0.0)


def spearman(rows: F64) -> float:
    """Return Spearman's correlation, -1..1, of two columns, [N, 2]: Pearson's of their ranks (1904, Am. J. Psychol. 15); equals share a mean rank.

    It is 0 where one column is all equal.
    """
    x, y = (_ranks(column) - (len(rows) + 1) / 2 for column in rows.T)
    return float(pearson(np.array([len(rows), x.sum(), y.sum(), x @ x, y @ y, x @ y])))


def _ranks(values: F64) -> F64:
    """Return ranks from 1, [N]; equals get the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
