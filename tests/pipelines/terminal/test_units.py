"""Sizes, counts and times as people read them."""

import time

import pytest

from pipelines.terminal.units import age, brief, bytes_of, count, duration, rounded, size


@pytest.mark.parametrize(
    ("num_bytes", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (16279236, "16.3 MB"), (999_999, "1 MB"), (2.73e11, "273 GB")]
)
def test_a_size_has_three_figures_and_its_unit(num_bytes: float, words: str) -> None:
    assert size(num_bytes) == words


@pytest.mark.parametrize(("words", "num_bytes"), [("300MB", 300_000_000), ("1.5 GB", 1_500_000_000), (" 7kb ", 7000), ("12 B", 12)])
def test_a_size_is_read_as_it_is_told(words: str, num_bytes: int) -> None:
    assert bytes_of(words) == num_bytes


@pytest.mark.parametrize("words", ["300", "MB", "-1 MB", "1,5 GB", "3 MiB"])
def test_what_is_no_size_is_refused_with_one_that_is(words: str) -> None:
    with pytest.raises(ValueError, match="is no size; write a number and one of B, kB, MB, GB, TB, such as 300MB"):
        bytes_of(words)


@pytest.mark.parametrize(("number", "words"), [(0, "0"), (99_999, "99,999"), (100_000, "100 k"), (12_345_678, "12.3 M")])
def test_a_large_count_is_shortened(number: int, words: str) -> None:
    assert count(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (65.0, "1 min 5 s"),
        (3600, "1 h"),
        (3725.0, "1 h 2 min"),
        (90000.0, "1 d 1 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_duration_may_be_brief() -> None:
    assert [brief(seconds) for seconds in (3.21, 264.2, 7200.0)] == ["3.2 s", "4.4 min", "2.0 h"]


def test_an_age_is_in_the_unit_that_fits_and_absent_for_what_was_never_made() -> None:
    assert age(None) == "-"
    assert age(time.time() - 7300) == "2 h"


def test_numbers_are_rounded_and_words_are_not() -> None:
    assert [rounded(value) for value in (3.95612345, 16279236, True, "0.123456789")] == ["3.956", "16,279,236", "True", "0.123456789"]
