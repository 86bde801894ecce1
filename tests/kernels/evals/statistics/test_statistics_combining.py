import numpy as np
import polars as pl
import pytest

from kernels.evals.statistics.combining import STATISTICS, OfRows, OfSums
from kernels.evals.statistics.intervals import bootstrap_interval
from kernels.evals.statistics.measures import Measure, mean_of, measures_of, result, values_table


def test_a_figure_of_sums_is_that_of_each_resample_of_whole_units():
    values = np.array([[1.0], [0.0], [5.0]])
    units = np.array([0, 0, 1])
    draws = [np.array([0, 0]), np.array([1, 0]), np.array([1, 1])]
    assert STATISTICS["mean"].resampled(values, units, draws).tolist() == [0.5, 2.0, 5.0]


def test_a_figure_of_rows_sees_the_same_rows_as_one_of_sums():
    random = np.random.default_rng(0)
    values, units = random.normal(size=(30, 1)), random.integers(0, 6, 30)
    draws = [random.integers(0, 6, 6) for _ in range(5)]
    by_rows = OfRows(lambda rows: float(rows.mean())).resampled(values, units, draws)
    assert by_rows == pytest.approx(OfSums(lambda sums: sums[..., 0] / sums[..., -1]).resampled(values, units, draws))


@pytest.mark.parametrize("name", sorted(STATISTICS))
def test_every_statistic_gives_one_number_and_one_a_resample(name: str):
    values = {
        "bleu": 10,
        "calibration_error": 45,
        "chrf": 18,
        "f1_of_second_class": 4,
        "macro_f1": 4,
        "matthews": 4,
        "pearson": 6,
        "span_f1": 3,
        "idealized_score": 3,
        "difference_of_rates": 4,
        "bias_of_errors": 3,
    }
    width = values.get(name, 2)
    rows = np.random.default_rng(1).integers(1, 9, (12, width)).astype(np.float64)
    draws = [np.arange(12), np.zeros(12, np.int64)]
    told = STATISTICS[name].resampled(rows, np.arange(12), draws)
    assert told.shape == (2,) and told[0] == pytest.approx(STATISTICS[name].value(rows), nan_ok=True)


def test_an_interval_that_no_number_reaches_is_infinite():
    low, high = bootstrap_interval(np.array([[1e4, 1.0], [1.0, 1.0]]), ["a", "b"], "exponential_of_ratio", 200, 0)
    assert low < 3 and high == float("inf")


def test_a_table_of_values_tells_the_measures_that_it_was_made_of():
    measures = [
        mean_of("accuracy", [True, False], ["a", "b"], ["p", "p"], 0.5),
        Measure("bits", np.array([[2.0, 1.0], [4.0, 2.0]]), ["a", "b"], ["a", "b"], "ratio", None, higher_is_better=False),
    ]
    told = result(measures, pl.DataFrame({"item": ["a", "b"]}), 10, 1)
    assert [(score.metric, score.value, score.chance) for score in told.scores] == [("accuracy", 0.5, 0.5), ("bits", 2.0, None)]
    again = measures_of(told.values, pl.DataFrame([score._asdict() for score in told.scores]))
    assert [each.score(10, 1) for each in again] == told.scores
    assert values_table([]).columns == told.values.columns


def test_of_some_items_a_measure_keeps_what_is_theirs():
    measure = mean_of("accuracy", [1.0, 0.0, 1.0], ["a", "b", "c"], ["p", "p", "q"]).of({"c", "a"})
    assert (measure.value, list(measure.items), list(measure.about)) == (1.0, ["a", "c"], ["p", "q"])
