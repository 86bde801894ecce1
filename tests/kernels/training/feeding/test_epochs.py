"""The order in which numbered examples are read."""

import numpy as np

from kernels.training.course.stages import constant, make_plan, whole_rows
from kernels.training.feeding.batches import Examples
from kernels.training.feeding.epochs import ExampleFeed, looked_at

PLAN = make_plan(9, constant(4), whole_rows(8), 8)


def rows(numbers: np.ndarray) -> Examples:
    stack = np.repeat(numbers[:, None], 8, 1)
    return Examples(stack, stack.astype(np.int32), stack, None, None, None, 0)


def feed(kind: str = "pairs", seed: int = 1, micro: int | None = None) -> ExampleFeed:
    return ExampleFeed(kind, 6, rows, PLAN, seed, micro)


def test_each_epoch_reads_everything_once_in_an_order_of_its_own() -> None:
    numbers = feed().numbers(np.arange(36)).reshape(6, 6)
    assert (np.sort(numbers, 1) == np.arange(6)).all() and len(np.unique(numbers, axis=0)) > 1


def test_the_order_depends_on_kind_and_seed() -> None:
    orders = {feed(kind, seed).numbers(np.arange(36)).tobytes() for kind in ("pairs", "conversations") for seed in (1, 2)}
    assert len(orders) == 4


def test_a_step_reads_its_places_in_parts_of_a_size_across_the_end_of_an_epoch() -> None:
    whole, parts = feed().batch(1), feed(micro=3).batch(1)
    assert [len(part.inputs_BT) for part in parts.parts] == [3, 1] and whole.num_labels == parts.num_labels
    read = np.concatenate([part.inputs_BT[:, 0] for part in parts.parts])
    assert np.array_equal(read, feed().numbers(np.arange(4, 8))) and np.array_equal(read, whole.parts[0].inputs_BT[:, 0])


def test_a_validation_that_is_not_looked_at_whole_is_looked_at_in_all_its_parts() -> None:
    chosen = looked_at(200, 64)
    assert len(set(chosen.tolist())) == 64 and np.array_equal(chosen, looked_at(200, 64))
    assert (np.histogram(chosen, 4, (0, 200))[0] > 8).all(), "sources stand one behind the other"
    assert np.array_equal(looked_at(5, 5), np.arange(5))
