"""pass@k against its definition, drawn out by hand and by enumeration."""

from itertools import combinations

import pytest

from kernels.evals.metrics.pass_at_k import pass_at_k


def test_pass_at_1_is_the_share_that_passed():
    assert pass_at_k(10, 3, 1) == 0.3


def test_it_is_the_share_of_draws_without_replacement_that_hold_a_pass():
    draws = list(combinations([True, True, False, False, False], 3))
    assert pass_at_k(5, 2, 3) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-15)


def test_too_few_failures_to_fill_a_draw_make_it_certain():
    assert pass_at_k(5, 3, 3) == 1.0


def test_no_pass_makes_it_nothing():
    assert pass_at_k(200, 0, 100) == 0.0


def test_thousands_of_samples_neither_overflow_nor_lose_digits():
    assert pass_at_k(10_000, 1, 5_000) == 0.5


@pytest.mark.parametrize(("num_samples", "num_passed", "k"), [(5, 1, 0), (5, 1, 6), (5, 6, 1), (5, -1, 1), (0, 0, 1)])
def test_impossible_counts_are_refused(num_samples: int, num_passed: int, k: int):
    with pytest.raises(ValueError, match=f"pass@{k} of {num_passed} passes in {num_samples} samples"):
        pass_at_k(num_samples, num_passed, k)
