"""Processes that should hold the same numbers and do not are found, and named where most of them agree."""

import pytest
import torch

from kernels.specs.layout import Layout, Rank
from kernels.training.parallel.copies import digest_of, fault_of_copies
from kernels.training.parallel.spread import Spread
from kernels.training.parallel.team import join
from tests.processes import on_processes
from tests.small_models import small_llama


def test_a_flipped_bit_or_two_numbers_that_change_places_are_another_digest() -> None:
    weights = {"a": torch.arange(6.0), "b": torch.ones(2, 3)}
    flipped = {**weights, "a": weights["a"].clone()}
    flipped["a"].view(torch.int32)[3] ^= 1
    swapped = {**weights, "a": weights["a"][[1, 0, 2, 3, 4, 5]]}
    digests = [digest_of(each) for each in (weights, flipped, swapped, {"a": weights["b"], "b": weights["a"]})]
    assert len(set(digests)) == 4 and digest_of({name: tensor.clone() for name, tensor in weights.items()}) == digests[0]


@pytest.mark.parametrize(
    ("digests", "fault"),
    [
        ([7, 7, 7], None),
        ([7, 7, 8], "process 5 of 3 holds other weights than the rest"),
        ([8, 7, 9, 7, 7], "processes 1, 5 of 5 hold other weights than the rest"),
        ([7, 8], "processes 1, 3 hold different weights where they should hold the same, and none can be told to be right"),
    ],
)
def test_who_is_not_as_most_are_is_named(digests: list[int], fault: str | None) -> None:
    assert fault_of_copies(digests, [1, 3, 5, 7, 9][: len(digests)]) == fault


def spoiled(rank: Rank) -> list[str]:
    """Return what a check says before a process's weight has a bit flipped, and behind that."""
    from kernels.models.formats.fast import taken

    team = join(rank, "cpu")
    trainable = taken(small_llama())
    spread = Spread(trainable.module, trainable.splits, team, "cpu", "none", compiled=False)
    found: list[str] = []
    for is_spoiled in (False, True):
        if is_spoiled and rank.number == 2:
            next(iter(spread.shards.values())).tensor.data.flatten().view(torch.int32)[0] ^= 1
        try:
            spread.check_copies()
            found.append("")
        except FloatingPointError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (Layout(processes=3), "process 2 of 3 holds other weights than the rest"),
        (Layout(processes=4, zero=3, shard=2), "processes 0, 2 hold different weights"),
    ],
)
def test_a_bit_that_flips_in_one_process_is_found_by_all_that_hold_the_same(layout: Layout, words: str) -> None:
    found = on_processes(layout, spoiled)
    assert all(before == "" for before, _ in found)
    behind = [words in after for _, after in found]
    assert behind == ([True] * 3 if layout.processes == 3 else [True, False, True, False])
