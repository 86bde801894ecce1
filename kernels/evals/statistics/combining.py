"""How values of items become one figure, by name: a table of values tells by itself what its figure is.

Most figures are functions of sums over items (a mean, a ratio, the counts behind F1 or BLEU), so that a resample of items is a sum of rows; those
that go by order are functions of all rows.

Shape letters: N items, S values of an item, U units that items belong to, B resamples.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kernels.evals.metrics.bias import bias_of_answers, bias_of_errors, difference_of_rates, idealized_score
from kernels.evals.metrics.calibration import expected_calibration_error
from kernels.evals.metrics.classification import class_f1, macro_f1, matthews, pearson, spearman
from kernels.evals.metrics.tags import span_f1
from kernels.evals.metrics.translation import bleu_of, chrf_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    F64 = NDArray[np.float64]
    I64 = NDArray[np.int64]


class Statistic(Protocol):
    """What combines values of items."""

    def value(self, values_NS: "F64") -> float:
        """Return the figure of some items."""
        ...

    def resampled(self, values_NS: "F64", unit_N: "I64", draws: "Sequence[I64]") -> "F64":
        """Return the figure of each draw of units, [B]; a unit's items come with it."""
        ...


class OfSums(NamedTuple):
    """A figure of sums over items: ``combine`` takes sums and, behind them, how many items they are of, [..., S + 1], and returns [...]."""

    combine: Callable[["F64"], Any]

    def value(self, values_NS: "F64") -> float:
        """Return the figure of some items."""
        return float(self.combine(_counted(values_NS).sum(0)))

    def resampled(self, values_NS: "F64", unit_N: "I64", draws: "Sequence[I64]") -> "F64":
        """Return the figure of each draw of units, [B]."""
        import numpy as np

        counted = _counted(values_NS)
        sums_US = np.zeros((int(unit_N.max()) + 1, counted.shape[1]))
        np.add.at(sums_US, unit_N, counted)
        return np.asarray(self.combine(np.stack([sums_US[drawn].sum(0) for drawn in draws])), np.float64)


class OfRows(NamedTuple):
    """A figure of all items together: ``combine`` takes rows, [N, S]."""

    combine: Callable[["F64"], float]

    def value(self, values_NS: "F64") -> float:
        """Return the figure of some items."""
        return self.combine(values_NS)

    def resampled(self, values_NS: "F64", unit_N: "I64", draws: "Sequence[I64]") -> "F64":
        """Return the figure of each draw of units, [B]."""
        import numpy as np

        order = np.argsort(unit_N, kind="stable")
        ends = np.cumsum(np.bincount(unit_N))
        rows: list[I64] = [order[end - count : end] for end, count in zip(ends.tolist(), np.bincount(unit_N).tolist(), strict=True)]
        figures: list[float] = []
        for drawn in draws:
            chosen: list[I64] = [rows[int(unit)] for unit in drawn]
            figures.append(self.combine(values_NS[np.concatenate(chosen)]))
        return np.array(figures)


def _counted(values_NS: "F64") -> "F64":
    """Return rows with a 1 behind each."""
    import numpy as np

    return np.append(values_NS, np.ones((len(values_NS), 1)), axis=1)


def _mean(sums: "F64") -> "F64":
    return sums[..., 0] / sums[..., -1]


def _ratio(sums: "F64") -> "F64":
    return sums[..., 0] / sums[..., 1]


def _exponential_of_ratio(sums: "F64") -> "F64":
    """Return e to the power of a ratio; infinity where no number is so large, as for the words of a script without spaces."""
    import numpy as np

    with np.errstate(over="ignore"):
        return np.exp(_ratio(sums))


def _counted_alone(combine: Callable[["F64"], "F64"]) -> OfSums:
    """Return a figure of sums that needs no count of items."""

    def alone(sums: "F64") -> "F64":
        return combine(sums[..., :-1])

    return OfSums(alone)


STATISTICS: Mapping[str, Statistic] = {
    "mean": OfSums(_mean),
    "ratio": OfSums(_ratio),
    "exponential_of_ratio": OfSums(_exponential_of_ratio),
    "bleu": _counted_alone(bleu_of),
    "chrf": _counted_alone(chrf_of),
    "calibration_error": _counted_alone(expected_calibration_error),
    "matthews": _counted_alone(matthews),
    "macro_f1": _counted_alone(macro_f1),
    "f1_of_second_class": _counted_alone(lambda sums: class_f1(sums, 1)),
    "span_f1": _counted_alone(span_f1),
    "pearson": _counted_alone(pearson),
    "spearman": OfRows(spearman),
    "bias_of_answers": _counted_alone(bias_of_answers),
    "bias_of_errors": OfSums(bias_of_errors),
    "idealized_score": _counted_alone(idealized_score),
    "difference_of_rates": _counted_alone(difference_of_rates),
}
"""By name, as tables of values have it."""
