"""The truth of pages without labels in the extraction benchmark."""

import pytest

from tests.bench.extraction_consensus import agreement, distinct, majority
from tests.bench.extraction_scores import average, score, shingles


def bags(*texts: str) -> list:
    return [shingles(text) for text in texts]


def test_what_three_of_four_keep_is_true_and_what_two_keep_is_not() -> None:
    kept = bags("a b c d e f", "a b c d e", "a b c d e x", "y a b c d")
    assert majority(kept, 3) == shingles("a b c d e")


def test_a_passage_is_true_as_often_as_three_of_four_keep_it() -> None:
    kept = bags("a a a a a a", "a a a a a", "a a a a a", "a a a a")
    assert majority(kept, 3) == {("a", "a", "a", "a"): 2}


def test_the_right_text_is_that_of_the_majority() -> None:
    truth = majority(bags("a b c d e", "a b c d e", "a b c d e", ""), 3)
    assert average([score(truth, "a b c d e")]) == (1, 1, 1)
    assert average([score(truth, "a b c d")]) == (1, 0.5, pytest.approx(2 / 3))


def test_agreement_is_the_average_of_f1_over_pairs() -> None:
    assert agreement(bags("a b c d e", "a b c d e", "a b c d")) == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)


def test_judges_that_all_keep_nothing_agree_and_one_that_keeps_something_does_not() -> None:
    assert (agreement(bags("", "")), agreement(bags("a", ""))) == (1, 0)


def test_a_page_like_an_earlier_one_or_of_its_name_counts_once() -> None:
    first, half, more = "a b c d e f g", "a b c d e y z w", "<p class='x'>a b c d</p><p>e f y</p>"
    pages = [("1", first), ("2", half), ("3", more), ("1", "other words are here"), ("4", "<script>a b c d</script>")]
    assert [name for name, _ in distinct(iter(pages))] == ["1", "2"]
