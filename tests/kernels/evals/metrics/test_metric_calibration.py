"""Expected calibration error and Brier score."""

import math

import numpy as np
import pytest

from kernels.evals.metrics.calibration import brier, brier_binary, calibration_statistics, expected_calibration_error


def test_an_item_is_in_the_bin_that_its_confidence_ends() -> None:
    assert calibration_statistics(0.5, True, 2) == [1, 0, 0.5, 0, 1, 0]
    assert calibration_statistics(0.51, False, 2) == [0, 1, 0, 0.51, 0, 0]
    assert calibration_statistics(0.0, False, 2)[:2] == [1, 0]
    assert calibration_statistics(0.07, True, 100)[6] == 1


def test_the_error_weighs_each_bins_gap_by_its_items() -> None:
    # Of two bins: two items at 0.4 of which one is right (gap 0.1); two at 0.9 and 0.7 of which none is (gap 0.8): (2 * 0.1 + 2 * 0.8) / 4.
    items = [(0.4, True), (0.4, False), (0.9, False), (0.7, False)]
    rows = np.array([calibration_statistics(*item, 2) for item in items])
    assert expected_calibration_error(rows.sum(0)) == pytest.approx(0.45)


def test_gaps_within_a_bin_cancel() -> None:
    rows = np.array([calibration_statistics(0.6, right, 1) for right in (True, True, True, False, False)])
    assert expected_calibration_error(rows.sum(0)) == pytest.approx(0)


def test_many_sums_are_asked_at_once_and_none_gives_zero() -> None:
    one = calibration_statistics(0.75, True, 15)
    np.testing.assert_allclose(expected_calibration_error(np.array([[one, [0.0] * 45]])), [[0.25, 0]])


@pytest.mark.parametrize("confidence", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="is no probability"):
        calibration_statistics(confidence, True)


def test_brier_is_the_squared_distance_over_classes() -> None:
    assert brier([0.7, 0.2, 0.1], 1) == pytest.approx(0.49 + 0.64 + 0.01)
    assert brier([0, 1, 0], 1) == 0


def test_brier_of_an_event_is_half_of_that_of_two_classes() -> None:
    assert brier_binary(0.3, True) == pytest.approx(0.49)
    assert brier_binary(0.3, True) == pytest.approx(brier([0.7, 0.3], 1) / 2)


def test_probabilities_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="not 1; normalize"):
        brier([0.7, 0.7], 0)


def test_a_class_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="class 2 is none of 2"):
        brier([0.5, 0.5], 2)
