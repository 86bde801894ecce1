import numpy as np
import pytest

from kernels.evals.statistics.differences import difference, holm, mcnemar
from kernels.evals.statistics.measures import Measure, mean_of


def measure(values: list[float], about: list[str] | None = None) -> Measure:
    keys = [f"f:{number:04d}" for number in range(len(values))]
    return mean_of("accuracy", values, keys, about or keys)


def test_of_items_that_two_models_differ_on_each_falls_to_either_side_by_a_coin():
    assert mcnemar(5, 0) == pytest.approx(2 * 0.5**5)
    assert mcnemar(3, 3) == 1 == mcnemar(0, 0)


def test_a_difference_is_of_the_same_items_and_its_interval_narrower_than_two_intervals_apart():
    random = np.random.default_rng(0)
    ease = random.random(400)
    first = [float(value < 0.6) for value in ease]
    second = [float(value < 0.55) for value in ease]
    found = difference(measure(first), measure(second), 500, 1)
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second)) and found.test == "mcnemar"
    assert 0 < found.low < found.difference < found.high < found.difference + 0.04
    assert found.p_value < 0.001


def test_two_models_that_are_alike_differ_by_chance():
    shares = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        first, second = (random.integers(0, 2, 80).astype(float).tolist() for _ in range(2))
        shares.append(difference(measure(first), measure(second), 20, seed).p_value < 0.05)
    assert sum(shares) <= 6


def test_values_between_right_and_wrong_and_items_about_one_thing_are_tested_by_exchange_of_units():
    first, second = [0.5, 0.75] * 30, [0.25, 0.5] * 30
    assert difference(measure(first), measure(second), 50, 1)[6:8] == (pytest.approx(1 / 2001), "randomisation")
    pairs = [str(number // 30) for number in range(60)]
    found = difference(measure([1.0] * 60, pairs), measure([0.0] * 60, pairs), 50, 1)
    assert found.test == "randomisation" and 0.4 < found.p_value < 0.6, "two units fall to one side in half of all exchanges"


def test_a_corpus_figure_is_compared_as_well():
    rows = np.array([[float(number % 3), 2.0] for number in range(40)])
    keys = [str(number) for number in range(40)]
    first, second = (Measure("bits", rows * scale, keys, keys, "ratio", None, higher_is_better=False) for scale in ([1, 1], [2, 1]))
    found = difference(first, second, 100, 1)
    assert found.difference == pytest.approx(-found.value) and found.p_value < 0.01 and not found.higher_is_better


def test_items_that_only_one_was_asked_are_left_out_and_counted():
    found = difference(measure([1.0, 0.0, 1.0]), measure([1.0, 1.0]), 20, 1)
    assert (found.num_items, found.num_alone, found.difference) == (2, 1, -0.5)
    with pytest.raises(ValueError, match="no item was asked of both"):
        difference(measure([1.0]), measure([1.0])._replace(items=["other"]), 20, 1)


def test_two_metrics_are_not_compared():
    with pytest.raises(ValueError, match="are two metrics"):
        difference(measure([1.0]), measure([1.0])._replace(metric="f1"), 20, 1)


def test_p_values_are_raised_for_their_number_and_keep_their_order():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == [] and holm([0.9, 0.8]) == [1.0, 1.0]
