"""Permutations of which each place can be asked alone."""

import numpy as np
import pytest

from kernels.tokens.mixtures.permutation import Permutation


@pytest.mark.parametrize("key", [0, 1, 2**64 - 1])
def test_every_number_stands_at_one_place(key: int) -> None:
    for size in (*range(70), 255, 256, 257, 1000, 4095, 4097):
        assert sorted(Permutation(size, key)(np.arange(size)).tolist()) == list(range(size))


def test_places_of_a_permutation_too_large_to_be_held_are_asked_one_by_one() -> None:
    size = 2**40 + 12345
    places = np.concatenate([np.arange(5000), np.arange(size - 5000, size)])
    permutation = Permutation(size, 3)
    found = permutation(places)
    assert len(set(found.tolist())) == len(places) and found.min() >= 0 and found.max() < size
    assert [int(permutation(places[number : number + 1])[0]) for number in (0, 17, 9999)] == found[[0, 17, 9999]].tolist()


def test_two_keys_give_two_orders_and_one_key_always_the_same() -> None:
    one, same, other = (Permutation(1000, key)(np.arange(1000)).tolist() for key in (1, 1, 2))
    assert one == same != other
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 10  # one is expected


def test_all_orders_of_a_few_numbers_come_up_equally_often() -> None:
    counts: dict[tuple[int, ...], int] = {}
    for key in range(6000):
        order = tuple(Permutation(3, key)(np.arange(3)).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6 and all(abs(count - 1000) < 150 for count in counts.values())  # five deviations


@pytest.mark.parametrize("size", [1000, 1024, 5000])
def test_neighbours_tell_nothing_of_each_other(size: int) -> None:
    orders = np.stack([Permutation(size, key)(np.arange(size)) for key in range(40)]) / size
    pairs = np.corrcoef(orders[:, :-1].ravel(), orders[:, 1:].ravel())[0, 1]
    places = np.corrcoef(np.tile(np.arange(size), 40), orders.ravel())[0, 1]
    keys = np.corrcoef(orders[:-1].ravel(), orders[1:].ravel())[0, 1]
    assert max(map(abs, (pairs, places, keys))) < 5 / np.sqrt(40 * size)


def test_a_place_outside_and_a_size_below_0_are_refused() -> None:
    for place in (-1, 10):
        with pytest.raises(IndexError, match="of a permutation of 10 numbers"):
            Permutation(10, 1)(np.array([place]))
    with pytest.raises(ValueError, match="a permutation of -1 numbers"):
        Permutation(-1, 1)
