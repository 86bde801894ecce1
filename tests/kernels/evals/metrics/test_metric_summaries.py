"""ROUGE of summaries."""

import pytest

from kernels.evals.metrics.summaries import rouge


def test_figures_are_those_of_lins_example() -> None:
    # Lin 2004, section 3.1: S1 police killed the gunman; S2 police kill the gunman, whose subsequence is of three words of four.
    found = rouge("police kill the gunman", ["police killed the gunman"], stem=False)
    assert found == pytest.approx((3 / 4, 1 / 3, 3 / 4, 3 / 4))


def test_stems_are_compared_where_asked() -> None:
    assert rouge("police kills the gunman", ["police killed the gunmen"]).rouge_1 == pytest.approx(3 / 4)


def test_the_union_over_lines_is_lins() -> None:
    # Section 3.2: reference w1 w2 w3 w4 w5; lines w1 w2 w6 w7 w8 and w1 w3 w8 w9 w5; their union is w1 w2 w3 w5: recall 4/5, precision 4/10.
    found = rouge("w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", ["w1 w2 w3 w4 w5"])
    assert found.rouge_lsum == pytest.approx(2 * 0.8 * 0.4 / 1.2)


def test_order_matters_to_the_subsequence_of_the_whole() -> None:
    assert rouge("gunman the killed police", ["police killed the gunman"]).rouge_l == pytest.approx(1 / 4)


def test_each_figure_is_of_its_best_reference() -> None:
    found = rouge("one two three", ["three two one", "one two"])
    assert (found.rouge_1, found.rouge_2) == pytest.approx((1, 2 / 3))


def test_nothing_in_common_and_nothing_said_give_zero() -> None:
    assert rouge("", ["one"]) == rouge("two", ["one"]) == (0, 0, 0, 0)


def test_a_summary_without_references_is_refused() -> None:
    with pytest.raises(ValueError, match="without references"):
        rouge("one", [])
