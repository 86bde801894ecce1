"""The order in which a training reads: shares in every window, every row once an epoch, any position asked alone."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels.tokens.mixtures.index import MixtureIndex, read_index, write_index
from kernels.tokens.mixtures.order import MOST_ROWS, Order, most_rows
from kernels.tokens.mixtures.source_order import floor_sum

ROWS = {"a": 50, "b": 7, "c": 400}
FIRST = {"a": 0, "b": 50, "c": 57}


def index(weights: dict[str, float], stages: tuple[tuple[float, dict[str, float]], ...] = (), max_epochs: float = 1e9, seed: int = 1) -> MixtureIndex:
    """An index of the sources that have a share, with `ROWS` rows each."""
    named = {name for each in (weights, *(later for _, later in stages)) for name, weight in each.items() if weight > 0}
    sources = {name: {"first_row": FIRST[name], "num_rows": ROWS[name], "max_epochs": max_epochs} for name in named}
    later = [{"from": start, "weights": shares} for start, shares in stages]
    order = {"seed": seed, "sequence_length": 8, "sources": sources, "weights": weights, "stages": later}
    return MixtureIndex.model_validate({**order, "max_documents": 1, "content": "any"})


def source_of(rows: Any) -> list[str]:
    return ["abc"[number] for number in np.searchsorted([FIRST["b"], FIRST["c"]], rows, side="right").tolist()]


THREE = {"a": 0.7, "b": 0.05, "c": 0.25}


@pytest.mark.parametrize("batch", [1, 7, 64, 999])
def test_the_order_does_not_depend_on_the_size_of_batches(batch: int) -> None:
    order = Order(index(THREE, ((0.3, {"b": 1.0, "c": 1.0}),)), 1500)
    parts = [order.rows(start, min(batch, 1500 - start)) for start in range(0, 1500, batch)]
    assert np.concatenate(parts).tolist() == order.rows(0, 1500).tolist()


@pytest.mark.parametrize("num_readers", [2, 3, 8])
def test_readers_that_share_batches_read_together_what_one_reads_alone(num_readers: int) -> None:
    chosen, batch = index(THREE), 24
    alone = Order(chosen, 960).rows(0, 960).tolist()
    readers = [Order(chosen, 960) for _ in range(num_readers)]
    share = batch // num_readers
    together = [row for start in range(0, 960, batch) for number, each in enumerate(readers) for row in each.rows(start + number * share, share)]
    assert together == alone


def test_a_training_goes_on_at_any_position_as_if_it_had_read_all_before() -> None:
    whole = Order(index(THREE, ((0.5, {"a": 1.0, "b": 3.0}),)), 2000).rows(0, 2000).tolist()
    for position in (0, 1, 999, 1000, 1001, 1999):
        again = Order(index(THREE, ((0.5, {"a": 1.0, "b": 3.0}),)), 2000)
        assert again.rows(position, 2000 - position).tolist() == whole[position:]


def test_positions_far_out_are_reached_without_the_way_there() -> None:
    order = Order(index({"a": 1.0, "c": 3.0}, max_epochs=1e30), 2**44)
    assert order.rows(2**43, 3).tolist() == order.rows(2**43 - 5, 10)[5:8].tolist()
    assert order.epochs()["a"] * ROWS["a"] == pytest.approx(2**42, abs=20)


@pytest.mark.parametrize("weights", [THREE, {"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 0.998, "b": 0.001, "c": 0.001}, {"a": 1.0, "b": 1e-9, "c": 1e-12}])
def test_every_window_has_the_shares_to_within_a_few_rows(weights: dict[str, float]) -> None:
    sources = np.array(source_of(Order(index(weights), 50000).rows(0, 50000)))
    for name, weight in weights.items():
        ahead = np.concatenate([[0], np.cumsum(sources == name)]) - weight / sum(weights.values()) * np.arange(50001)
        assert ahead.max() - ahead.min() < 6  # the count of any window less its share is a difference of two of these


def test_every_epoch_of_a_source_reads_each_of_its_rows_once_and_in_an_order_of_its_own_across_stages() -> None:
    order = Order(index(THREE, ((0.4, {"b": 1.0}), (0.6, {"a": 1.0, "b": 1.0, "c": 1.0}))), 3000)
    rows = order.rows(0, 3000)
    sources = source_of(rows)
    for name, num_rows in ROWS.items():
        own = [row - FIRST[name] for row, source in zip(rows.tolist(), sources, strict=True) if source == name]
        epochs = [own[start : start + num_rows] for start in range(0, len(own), num_rows)]
        assert all(sorted(epoch) == list(range(num_rows)) for epoch in epochs[:-1]) and len(set(epochs[-1])) == len(epochs[-1])
        assert all(one != other for one, other in itertools.pairwise(epochs)) and len(epochs) > 1
        assert order.epochs()[name] == len(own) / num_rows


def test_shares_change_where_a_stage_begins() -> None:
    rows = Order(index({"a": 1.0, "c": 1.0}, ((0.8, {"b": 1.0, "c": 3.0}),)), 1000).rows(0, 1000)
    early, late = source_of(rows[:800]), source_of(rows[800:])
    assert (early.count("b"), late.count("a")) == (0, 0)
    assert abs(early.count("a") - 400) <= 3 and abs(late.count("b") - 50) <= 3


def test_neither_the_order_of_entries_nor_a_source_of_weight_0_changes_anything() -> None:
    stages = ((0.5, {"c": 2.0, "a": 1.0}),)
    rows = Order(index({"a": 0.3, "c": 0.7}, stages), 500).rows(0, 500).tolist()
    assert Order(index({"c": 0.7, "a": 0.3}, ((0.5, {"a": 1.0, "c": 2.0}),)), 500).rows(0, 500).tolist() == rows
    assert Order(index({"b": 0.0, "a": 0.3, "c": 0.7}, ((0.5, {"a": 1.0, "b": 0.0, "c": 2.0}),)), 500).rows(0, 500).tolist() == rows
    assert Order(index({"a": 3.0, "c": 7.0}, stages), 500).rows(0, 500).tolist() == rows


def test_a_seed_decides_the_order() -> None:
    one, other = (Order(index(THREE, seed=seed), 400).rows(0, 400).tolist() for seed in (1, 2))
    assert one != other and source_of(one) != source_of(other)


def test_a_source_that_would_be_read_too_often_is_named_with_the_remedy() -> None:
    with pytest.raises(
        ValueError, match=r"1000 rows reads the source 'a' 14 times \(700 rows out of 50\), and its max_epochs is 2; read at most 14\d rows"
    ):
        Order(index(THREE, max_epochs=2), 1000)


@pytest.mark.parametrize("stages", [(), ((0.5, {"b": 1.0, "c": 9.0}),)])
def test_the_number_of_rows_that_is_told_is_the_largest(stages: tuple[tuple[float, dict[str, float]], ...]) -> None:
    chosen = index(THREE, stages, max_epochs=2)
    most = most_rows(chosen)
    assert max(Order(chosen, most).epochs().values()) <= 2
    with pytest.raises(ValueError, match=f"read at most {most} rows"):
        Order(chosen, most + 1)


def test_a_mixture_without_an_end_in_sight_says_so() -> None:
    assert most_rows(index(THREE, max_epochs=1e300)) == MOST_ROWS


def test_positions_that_the_training_does_not_have_are_refused() -> None:
    order = Order(index(THREE), 10)
    assert order.rows(10, 0).tolist() == []
    for start, count in ((-1, 2), (8, 3), (0, -1)):
        with pytest.raises(IndexError, match="of a training that reads 10 rows"):
            order.rows(start, count)


def test_lattice_points_are_counted_as_by_stepping() -> None:
    random = np.random.default_rng(0)
    for _ in range(300):
        count, factor, shift, modulus = (int(random.integers(low, 200)) for low in (0, 0, 0, 1))
        assert floor_sum(count, factor, shift, modulus) == sum((factor * i + shift) // modulus for i in range(count))


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    chosen = index(THREE, ((0.5, {"a": 1.0}),))
    write_index(chosen, tmp_path)
    assert read_index(tmp_path) == chosen


def test_a_folder_without_an_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"index\.json: is missing.*make the mixture again"):
        read_index(tmp_path)


def test_an_index_of_another_version_is_named_with_the_remedy(tmp_path: Path) -> None:
    write_index(index({"a": 1.0}), tmp_path)
    path = tmp_path / "index.json"
    path.write_text(path.read_text().replace('"max_documents"', '"most_documents"'))
    with pytest.raises(ValueError, match=r"index\.json: is not as this version writes it \(max_documents\); make the mixture again with mill up"):
        read_index(tmp_path)
