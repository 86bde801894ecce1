"""Shares of what several processes read: all of it, once, as many rows each."""

import pytest

from kernels.training.feeding.shares import ALL, Share


def test_readers_have_as_many_rows_each_and_all_of_them_together() -> None:
    rows = list(range(12))
    found = [rows[Share(reader, 3).of(len(rows))] for reader in range(3)]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert rows[ALL.of(12)] == rows


def test_rows_that_cannot_be_shared_alike_are_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="batch_size: 10 rows of a step cannot be shared alike by 4 processes that read; take a multiple of 4"):
        Share(0, 4).of(10)


def test_parts_are_taken_in_turns_and_a_turn_with_nothing_new_counts_nothing() -> None:
    turns = [list(Share(reader, 3).turns(4)) for reader in range(3)]
    assert turns == [[(0, True), (3, True)], [(1, True), (0, False)], [(2, True), (0, False)]]
    assert list(ALL.turns(2)) == [(0, True), (1, True)] and list(ALL.turns(0)) == []


def test_rows_pass_in_as_many_parts_as_are_asked_for_and_no_more_together_than_may() -> None:
    assert ALL.rows_together(8, None) == 8 and ALL.rows_together(8, 3) == 3
    assert Share(0, 2, 4).rows_together(8, None) == 2 and Share(0, 2, 4).rows_together(8, 1) == 1
    assert Share(0, 2, 4).rows_together(6, None) == 2 and Share(0, 2, 4).rows_together(2, None) == 1
