"""What one metric says of a model, item by item, and the score that is made of it.

Shape letters: N items, S values of an item (one of a mean).
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kernels.evals.statistics.combining import STATISTICS
from kernels.evals.statistics.intervals import bootstrap_interval
from kernels.specs.tasks import EvalResult, Score

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


class Measure(NamedTuple):
    """A metric of a model on items: what each contributes to it."""

    metric: str
    values: "NDArray[np.float64]"
    """[N, S]."""
    items: Sequence[str]
    """Key of each."""
    about: Sequence[str]
    """What each is about: those of one thing are right or wrong together."""
    statistic: str = "mean"
    """How values become the metric: a name of `STATISTICS`."""
    chance: float | None = None
    """What guessing gives."""
    higher_is_better: bool = True

    @property
    def value(self) -> float:
        """The metric."""
        return STATISTICS[self.statistic].value(self.values)

    def of(self, items: Collection[str]) -> "Measure":
        """Return the same of some items only."""
        kept = [row for row, item in enumerate(self.items) if item in items]
        return self._replace(values=self.values[kept], items=[self.items[row] for row in kept], about=[self.about[row] for row in kept])

    def score(self, num_bootstrap: int, seed: int) -> Score:
        """Return the metric with its interval. Raises ValueError: there are no items, or a value is not finite."""
        interval = bootstrap_interval(self.values, self.about, self.statistic, num_bootstrap, seed)
        return Score(self.metric, self.value, interval.low, interval.high, self.chance, len(self.items), self.higher_is_better)


def mean_of(
    metric: str, values: "Sequence[float] | Sequence[bool]", items: Sequence[str], about: Sequence[str], chance: float | None = None
) -> Measure:
    """Return a metric that is a mean over items; higher is better."""
    import numpy as np

    return Measure(metric, np.asarray(values, np.float64)[:, None], items, about, chance=chance)


def result(measures: Sequence[Measure], items: "pl.DataFrame", num_bootstrap: int, seed: int) -> EvalResult:
    """Return the result of an eval: its scores, its items, and the values that the scores are made of."""
    return EvalResult([measure.score(num_bootstrap, seed) for measure in measures], items, values_table(measures))


def values_table(measures: Sequence[Measure]) -> "pl.DataFrame":
    """Return measures as a table, one row a metric and item: metric, statistic, item, about, values."""
    import polars as pl

    schema = {"metric": pl.String, "statistic": pl.String, "item": pl.String, "about": pl.String, "values": pl.List(pl.Float64)}
    frames = [
        pl.DataFrame({"item": list(each.items), "about": list(each.about), "values": each.values.tolist()}, schema_overrides=schema)
        .with_columns(metric=pl.lit(each.metric), statistic=pl.lit(each.statistic))
        .select(*schema)
        for each in measures
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def measures_of(values: "pl.DataFrame", scores: "pl.DataFrame") -> list[Measure]:
    """Return measures as `values_table` and a table of their scores have them, in order of the scores."""
    import numpy as np

    told = {row["metric"]: row for row in scores.iter_rows(named=True)}
    found: list[Measure] = []
    for (metric,), rows in values.group_by("metric", maintain_order=True):
        score = told[str(metric)]
        numbers = np.array(rows["values"].to_list(), np.float64)
        items, about = rows["item"].to_list(), rows["about"].to_list()
        found.append(Measure(str(metric), numbers, items, about, rows["statistic"][0], score["chance"], score["higher_is_better"]))
    return found
