import numpy as np
import pytest

from kernels.evals.metrics.bias import bias_of_answers, bias_of_errors, difference_of_rates, idealized_score
from kernels.evals.statistics.combining import STATISTICS


def test_bias_is_one_where_all_told_answers_follow_it_and_nothing_where_none_is_told():
    assert bias_of_answers(np.array([[4.0, 4.0], [0.0, 4.0], [2.0, 4.0], [0.0, 0.0]])).tolist() == [1, -1, 0, 0]


def test_bias_of_errors_is_less_the_more_answers_are_right():
    assert bias_of_errors(np.array([2.0, 2.0, 6.0, 8.0])) == 0.25


@pytest.mark.parametrize(("sums", "expected"), [([1.0, 2.0, 2.0], 1.0), ([2.0, 2.0, 2.0], 0.0), ([1.0, 1.0, 2.0], 0.5), ([0.5, 2.0, 2.0], 0.5)])
def test_the_idealized_score_wants_language_and_no_preference(sums: list[float], expected: float):
    assert idealized_score(np.array(sums)) == expected


def test_a_rate_of_nothing_is_zero():
    assert difference_of_rates(np.array([[3.0, 4.0, 1.0, 4.0], [1.0, 2.0, 0.0, 0.0]])).tolist() == [0.5, 0.5]


def test_resampled_bias_counts_whole_units():
    values = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    draws = [np.array([0, 0]), np.array([0, 1])]
    assert STATISTICS["bias_of_errors"].resampled(values, np.array([0, 1, 1]), draws).tolist() == [1.0, 0.0]
