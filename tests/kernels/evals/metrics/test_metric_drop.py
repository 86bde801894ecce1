"""DROP's exact match and F1."""

import pytest

from kernels.evals.metrics.drop import DropScore, drop_scores, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The 2,000 Yards", "2000.0 yards"), ("-3", "3.0"), ("well-known man", "well known man"), ("an A.B. a", "ab"), ("3.50", "3.5"), ("the", "")],
)
def test_a_span_is_normalised_token_by_token(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_numbers_are_equal_however_they_are_written() -> None:
    assert drop_scores(["10"], [["10.0"]]) == DropScore(1, 1)


def test_a_span_without_the_number_of_the_reference_has_no_f1() -> None:
    assert drop_scores(["12 yard field goal"], [["10 yard field goal"]]) == DropScore(0, 0)


def test_a_span_with_the_number_has_f1_of_its_bag() -> None:
    assert drop_scores(["10 yard"], [["10 yard field goal"]]).f1 == 0.67


def test_a_word_counts_once_in_a_bag() -> None:
    assert drop_scores(["very very good"], [["very good"]]) == DropScore(0, 1)


def test_spans_are_equal_in_any_order() -> None:
    assert drop_scores(["Brady", "the Moss"], [["Moss", "Brady"]]) == DropScore(1, 1)


def test_each_span_is_matched_once_so_that_the_sum_is_greatest() -> None:
    # Each in its place would give 0.67 twice.
    assert drop_scores(["cat dog", "cat"], [["cat", "cat dog"]]).f1 == 1
    assert drop_scores(["cat dog"], [["cat dog", "cow"]]).f1 == 0.5
    assert drop_scores(["cat dog", "cow", "pig"], [["cat dog"]]).f1 == 0.33


def test_one_span_said_twice_is_no_exact_match() -> None:
    assert drop_scores(["Moss", "Moss"], [["Moss"]]) == DropScore(0, 0.5)


def test_each_score_is_the_best_over_annotators() -> None:
    assert drop_scores(["Tom Brady"], [["Brady"], ["Tom Brady"], ["Moss"]]) == DropScore(1, 1)


def test_no_span_has_no_score() -> None:
    assert drop_scores([], [["Moss"]]) == DropScore(0, 0)


def test_an_item_without_references_is_refused() -> None:
    with pytest.raises(ValueError, match="without references"):
        drop_scores(["Moss"], [])
