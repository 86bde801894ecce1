"""How scores are judged."""

import numpy as np
import pytest

from kernels.classifiers.measures import auc, threshold_for_keep_rate


def test_auc_counts_ties_half() -> None:
    assert auc(np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, False, True, True])) == pytest.approx(0.875)


def test_auc_of_one_class_names_the_cause() -> None:
    with pytest.raises(ValueError, match="both classes"):
        auc(np.array([0.1]), np.array([True]))


def test_a_threshold_keeps_at_least_the_share() -> None:
    assert threshold_for_keep_rate(np.array([0.1, 0.2, 0.3, 0.4]), 0.5) == 0.3
