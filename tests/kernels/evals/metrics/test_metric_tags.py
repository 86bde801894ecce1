"""Spans of BIO tags."""

import numpy as np
import pytest

from kernels.evals.metrics.tags import Span, span_f1, span_statistics, spans_of


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-PER I-PER O B-LOC", [Span("PER", 0, 2), Span("LOC", 3, 4)]),
        ("B-PER B-PER", [Span("PER", 0, 1), Span("PER", 1, 2)]),
        ("O I-PER I-PER", [Span("PER", 1, 3)]),
        ("B-PER I-LOC I-LOC", [Span("PER", 0, 1), Span("LOC", 1, 3)]),
        ("I-PER B-PER I-PER", [Span("PER", 0, 1), Span("PER", 1, 3)]),
        ("B-part-of I-part-of", [Span("part-of", 0, 2)]),
        ("O O", []),
        ("", []),
    ],
)
def test_spans_begin_and_end_as_conll_has_them(tags: str, expected: list[Span]) -> None:
    assert spans_of(tags.split()) == expected


def test_a_span_is_right_by_type_and_both_ends() -> None:
    # The example of seqeval's README: of MISC 3..6 one end is missed, PER is right: F1 is 0.50.
    expected = ["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O", "B-PER", "I-PER", "O"]
    predicted = ["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O", "B-PER", "I-PER", "O"]
    counts = span_statistics(expected, predicted)
    assert counts == [1, 1, 1]
    assert span_f1(np.array(counts)) == 0.5


def test_f1_is_of_the_sums_and_of_many_sums_at_once() -> None:
    np.testing.assert_allclose(span_f1(np.array([[[2.0, 1, 1], [0, 0, 0]], [[1, 0, 3], [0, 5, 5]]])), [[2 / 3, 0], [0.4, 0]])


def test_another_number_of_tags_is_refused() -> None:
    with pytest.raises(ValueError, match="1 tags are predicted of 2 tokens"):
        span_statistics(["O", "O"], ["O"])


@pytest.mark.parametrize("tag", ["E-PER", "PER", "", "O-PER"])
def test_what_is_no_bio_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="is no BIO tag"):
        spans_of(["O", tag])
