"""Figures of classes and of grades, against scikit-learn and by hand."""

import numpy as np
import pytest

from kernels.evals.metrics.classification import class_f1, confusion_statistics, macro_f1, matthews, pearson, pearson_statistics, spearman


def _sums(expected: list[int], predicted: list[int], num_classes: int) -> np.ndarray:
    return np.array([confusion_statistics(*pair, num_classes) for pair in zip(expected, predicted, strict=True)]).sum(0)


def test_matthews_of_two_classes_is_the_quotient_of_counts() -> None:
    # tp 3, tn 2, fp 1, fn 2: (3 * 2 - 1 * 2) / sqrt(4 * 5 * 3 * 4)
    sums = _sums([1, 1, 1, 0, 0, 0, 1, 1], [1, 1, 1, 0, 0, 1, 0, 0], 2)
    assert matthews(sums) == pytest.approx(4 / np.sqrt(240))
    assert class_f1(sums, 1) == pytest.approx(6 / 9)


@pytest.mark.parametrize(("expected", "predicted"), [([1, 1, 0], [1, 1, 1]), ([1, 1, 1], [1, 0, 1]), ([], [])])
def test_matthews_is_zero_where_a_class_is_empty(expected: list[int], predicted: list[int]) -> None:
    assert matthews(np.array([confusion_statistics(*pair, 2) for pair in zip(expected, predicted, strict=True)] or [[0.0] * 4]).sum(0)) == 0


@pytest.mark.parametrize("seed", range(4))
def test_figures_of_many_classes_are_those_of_scikit_learn(seed: int) -> None:
    scores = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(seed)
    expected = random.integers(0, 4, 50).tolist()
    predicted = [label if random.random() < 0.6 else int(random.integers(0, 4)) for label in expected]
    sums = _sums(expected, predicted, 5)
    assert matthews(sums) == pytest.approx(scores.matthews_corrcoef(expected, predicted))
    each = scores.f1_score(expected, predicted, labels=range(5), average=None, zero_division=0)
    assert [class_f1(sums, label) for label in range(5)] == pytest.approx(each)
    assert macro_f1(sums) == pytest.approx(each.mean())


def test_many_sums_are_asked_at_once() -> None:
    sums = np.array([[[2.0, 0, 0, 2], [0, 2, 2, 0]], [[1, 1, 1, 1], [4, 0, 0, 0]]])
    np.testing.assert_allclose(matthews(sums), [[1, -1], [0, 0]])
    np.testing.assert_allclose(macro_f1(sums), [[1, 0], [0.5, 0.5]])
    np.testing.assert_allclose(class_f1(sums, 0), [[1, 0], [0.5, 1]])


@pytest.mark.parametrize("pair", [(2, 0), (0, -1)])
def test_what_is_no_class_is_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="is none of 2"):
        confusion_statistics(*pair, 2)


def test_pearson_of_sums_is_that_of_the_rows() -> None:
    rows = np.random.default_rng(0).normal(3, 1, size=(40, 2))
    sums = np.array([pearson_statistics(*row) for row in rows.tolist()])
    assert pearson(sums.sum(0)) == pytest.approx(np.corrcoef(rows.T)[0, 1])
    np.testing.assert_allclose(pearson(np.stack([sums.sum(0), sums[:7].sum(0)])), [np.corrcoef(part.T)[0, 1] for part in (rows, rows[:7])])


def test_pearson_is_zero_where_one_column_does_not_vary() -> None:
    assert pearson(np.array([pearson_statistics(0.1, value) for value in (1.0, 2.0, 4.0)]).sum(0)) == 0


def test_spearman_goes_by_ranks_alone() -> None:
    assert spearman(np.array([[1.0, 10], [2, 100], [3, 1000]])) == pytest.approx(1)
    assert spearman(np.array([[1.0, 3], [2, 2], [3, 1]])) == pytest.approx(-1)


def test_spearman_gives_equals_a_mean_rank() -> None:
    # Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: 4.5 / sqrt(4.5 * 5)
    assert spearman(np.array([[1.0, 1], [2, 3], [2, 2], [3, 4]])) == pytest.approx(4.5 / np.sqrt(22.5))


def test_spearman_is_that_of_scipy() -> None:
    from scipy.stats import spearmanr

    rows = np.random.default_rng(1).integers(0, 6, (60, 2)).astype(float)
    assert spearman(rows) == pytest.approx(spearmanr(rows[:, 0], rows[:, 1]).statistic)


def test_spearman_is_zero_where_all_are_equal() -> None:
    assert spearman(np.array([[1.0, 5], [2, 5], [3, 5]])) == 0
