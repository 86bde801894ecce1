from typing import Any

import pytest

from kernels.evals.datasets.items import Item
from kernels.evals.scorers.contrasts import across, among, between

ITEMS = [Item(f"f:{number}", {"side": side}, about=about) for number, (side, about) in enumerate(["ax", "bx", "ay", "cz"])]


def answer(item: Item, told: Any) -> float:
    return float(told)


def is_a(item: Item) -> bool:
    return item.fields["side"] == "a"


def is_b(item: Item) -> bool:
    return item.fields["side"] == "b"


def test_only_the_items_meant_have_values():
    assert [(each.key, list(each.values)) for each in among(is_a, answer, "a")(ITEMS, [1, 0, 0, 1])] == [("f:0", [1.0]), ("f:2", [0.0])]


def test_two_sets_have_their_hits_and_counts_apart_and_others_have_no_value():
    rows = [list(each.values) for each in between(is_a, is_b, answer, "both")(ITEMS, [1, 1, 0, 1])]
    assert rows == [[1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 0, 0]]


def test_a_difference_without_one_of_its_sets_is_an_error():
    with pytest.raises(ValueError, match="both are not both among the 2 items"):
        between(is_a, is_b, answer, "both")([ITEMS[0], ITEMS[2]], [1, 0])


def test_what_one_item_alone_is_about_has_no_gap():
    assert [(each.key, list(each.values)) for each in across(answer)(ITEMS, [1, 4, 0, 1])] == [("x", [3.0])]


def test_items_that_are_all_about_other_things_have_no_gap_to_tell():
    with pytest.raises(ValueError, match="no two of the 2 items"):
        across(answer)(ITEMS[2:], [1, 0])
