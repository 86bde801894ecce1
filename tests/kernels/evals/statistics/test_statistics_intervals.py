from collections.abc import Sequence

import numpy as np
import pytest

from kernels.evals.statistics import intervals
from kernels.evals.statistics.intervals import Interval


def bootstrap_interval(values: Sequence[float], num_bootstrap: int, seed: int, level: float = 0.95, about: Sequence[str] | None = None) -> Interval:
    """Return the interval of a mean."""
    numbers = np.asarray(values, np.float64)
    return intervals.bootstrap_interval(numbers[:, None], about or list(map(str, range(len(numbers)))), "mean", num_bootstrap, seed, level)


def test_the_interval_of_a_constant_is_that_constant():
    assert bootstrap_interval([0.5] * 20, 100, seed=0) == (0.5, 0.5)


def test_the_interval_of_a_mean_agrees_with_the_normal_approximation():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = bootstrap_interval(values, 2000, seed=1)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_a_lower_level_gives_a_narrower_interval():
    values = list(range(30))
    wide, narrow = bootstrap_interval(values, 500, 0), bootstrap_interval(values, 500, 0, level=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    values = [0, 1, 1, 0, 1, 0.5, 0.25]
    assert bootstrap_interval(values, 50, 3) == bootstrap_interval(values, 50, 3)
    assert bootstrap_interval(values, 50, 3) != bootstrap_interval(values, 50, 4)


def test_a_ratio_draws_numerator_and_denominator_together():
    values = np.array([[2, 1], [20, 10], [200, 100]], np.float64)
    assert intervals.bootstrap_interval(values, ["a", "b", "c"], "ratio", 200, 0) == pytest.approx((2.0, 2.0))


@pytest.mark.parametrize("values", [np.zeros((0, 1)), np.array([[float("nan")]])], ids=["none", "nan"])
def test_values_without_a_statistic_are_refused(values: np.ndarray):
    with pytest.raises(ValueError, match="a bootstrap needs"):
        intervals.bootstrap_interval(values, ["a"] * len(values), "mean", 10, 0)


def test_items_about_one_thing_are_drawn_together_or_the_interval_is_too_narrow():
    chance = np.random.default_rng(0)
    holds = {"things": 0, "items": 0}
    for seed in range(200):
        ease_I = chance.beta(1, 1, 40)  # of 40 images, 10 questions each; half of all questions are answered
        right_IQ = chance.random((40, 10)) < ease_I[:, None]
        about = [f"image {image}" for image in range(40) for _ in range(10)]
        for kind, told in (("things", about), ("items", None)):
            low, high = bootstrap_interval(right_IQ.ravel(), 100, seed, about=told)
            holds[kind] += low <= 0.5 <= high
    assert holds["things"] / 200 > 0.88
    assert holds["items"] / 200 < 0.75


def test_items_about_other_things_each_or_all_about_one_have_the_interval_of_items():
    values = [0, 1, 1, 0, 1, 0.5, 0.25]
    plain = bootstrap_interval(values, 50, 3)
    assert bootstrap_interval(values, 50, 3, about=list("abcdefg")) == plain == bootstrap_interval(values, 50, 3, about=["a"] * 7)


def test_where_all_are_right_or_all_wrong_the_interval_is_as_wide_as_their_number_leaves_it():
    """Of the exact interval: as many right answers are as likely as 2.5% where the true share is at its end."""
    low, high = bootstrap_interval([1] * 20, 100, seed=0)
    assert high == 1 and low**20 == pytest.approx(0.025)
    assert bootstrap_interval([0] * 20, 100, seed=0) == pytest.approx((0, 1 - low))
    in_pairs = bootstrap_interval([True] * 20, 100, seed=0, about=[str(number // 2) for number in range(20)])
    assert in_pairs.low**10 == pytest.approx(0.025), "what is about one thing counts once"
