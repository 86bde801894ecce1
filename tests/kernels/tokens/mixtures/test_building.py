"""Packed mixtures."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kernels.documents.conversations import TURNS, conversation
from kernels.documents.schema import document_table
from kernels.specs.families import specs
from kernels.specs.turns import Turn
from kernels.tokens.mixtures.building import build_mixture
from kernels.tokens.mixtures.config import MixtureConfig, is_validation
from kernels.tokens.mixtures.index import read_index
from kernels.tokens.mixtures.order import most_rows
from kernels.tokens.mixtures.packing import PADDING_SEGMENT
from kernels.tokens.shards import Shard
from kernels.training.feeding.batches import Transform, prepare_rows
from tests.token_rows import CONTROL

PAD = 9999
IN_TRAINING: Any = [("split", "=", "train")]
HELD_OUT: Any = [("split", "=", "validation")]


def shard(source: str, num_documents: int, length: int = 20, first: int = 0) -> Shard:
    """Documents whose tokens are all the document's own number, ended by 0."""
    pieces = [np.array([first + number + 10] * (length - 1) + [0], np.uint16) for number in range(num_documents)]
    offsets = np.arange(num_documents + 1, dtype=np.int64) * length
    return Shard(np.concatenate(pieces), offsets, [f"{source}/f#{first + number}" for number in range(num_documents)])


def texts(source: str, num_documents: int, first: int = 0) -> pa.Table:
    names = [f"{source}/f#{first + number}" for number in range(num_documents)]
    columns = {"id": names, "source": [source] * num_documents, "text": [f"text {name}" for name in names]}
    return pa.table({**columns, "turns": pa.nulls(num_documents, TURNS)})


def config(**changes: object) -> MixtureConfig:
    values = {"weights": {"a": 3.0, "b": 1.0}, "max_epochs": 1.0, "max_train_tokens": None, "sequence_length": 32}
    values |= {"validation_fraction": 0.2, "max_heldout_documents": 3, "seed": 7}
    return MixtureConfig.model_validate({**values, **changes})


def build(out: Path, shards: list[tuple[str, Shard]], chosen: MixtureConfig) -> dict[str, dict[str, float]]:
    out.mkdir()
    documents = [texts(source, len(each.ids), int(each.ids[0].split("#")[1])) for source, each in shards]
    build_mixture(shards, documents, chosen, PAD, out)
    return {row["source"]: row for row in pq.read_table(out / "composition.parquet").to_pylist()}


def test_every_training_document_is_stored_once_however_often_it_may_be_read(tmp_path: Path) -> None:
    rows = build(tmp_path / "m", [("a", shard("a", 30)), ("b", shard("b", 100))], config(max_epochs=9.0))
    tokens = np.load(tmp_path / "m" / "train_tokens.npy")
    for source, first in (("a", 0), ("b", 0)):
        kept = [number for number in range(first, 30) if not is_validation(f"{source}/f#{number}", config())]
        assert rows[source]["num_train_documents"] >= len(kept)
    assert (
        (tokens != PAD).sum()
        == sum(row["num_train_tokens"] for row in rows.values())
        == 20 * sum(row["num_train_documents"] for row in rows.values())
    )


def test_max_train_tokens_bounds_the_whole_by_shares(tmp_path: Path) -> None:
    rows = build(tmp_path / "m", [("a", shard("a", 100)), ("b", shard("b", 100))], config(max_train_tokens=400))
    assert {source: row["num_train_tokens"] for source, row in rows.items()} == {"a": 300, "b": 100}
    available = {source: 20 * sum(not is_validation(f"{source}/f#{number}", config()) for number in range(100)) for source in "ab"}
    assert {source: row["num_tokens_cut_off"] for source, row in rows.items()} == {"a": available["a"] - 300, "b": available["b"] - 100}


def test_a_source_that_has_less_than_its_share_of_max_train_tokens_gives_what_it_has(tmp_path: Path) -> None:
    rows = build(tmp_path / "m", [("a", shard("a", 5)), ("b", shard("b", 100))], config(max_train_tokens=2000, validation_fraction=0.0))
    assert (rows["a"]["num_train_tokens"], rows["a"]["num_tokens_cut_off"], rows["b"]["num_train_tokens"]) == (100, 0, 500)


def test_the_largest_share_over_all_stages_is_what_a_source_is_given(tmp_path: Path) -> None:
    later = [{"from": 0.9, "weights": {"b": 1.0}}]
    rows = build(tmp_path / "m", [("a", shard("a", 100)), ("b", shard("b", 100))], config(max_train_tokens=400, stages=later))
    assert (rows["a"]["num_train_tokens"], rows["b"]["num_train_tokens"], rows["b"]["share"]) == (300, 400, 0.25)


def test_a_cap_on_a_source_takes_documents_by_their_hash_so_that_others_that_come_change_little(tmp_path: Path) -> None:
    chosen = config(weights={"a": 1.0}, max_tokens={"a": 800}, validation_fraction=0.0)
    taken: list[set[str]] = []
    for name, shards in {"old": [("a", shard("a", 100))], "new": [("a", shard("a", 10, first=100)), ("a", shard("a", 100))]}.items():
        rows = build(tmp_path / name, shards, chosen)
        assert (rows["a"]["num_train_tokens"], rows["a"]["num_train_documents"], rows["a"]["num_documents_cut_off"]) == (
            800,
            40,
            len(shards) * 10 + 50,
        )
        taken.append(set(map(str, pq.read_table(tmp_path / name / "membership.parquet")["id"].to_pylist())))
    old, new = taken
    assert len(old) == len(new) == 40 and {each for each in new if int(each[4:]) < 100} <= old and 30 <= len(old & new) < 40


def test_the_last_document_under_a_cap_is_cut_to_fit(tmp_path: Path) -> None:
    build(tmp_path / "m", [("a", shard("a", 50))], config(weights={"a": 1.0}, max_tokens={"a": 95}))
    table = pq.read_table(tmp_path / "m" / "membership.parquet", filters=IN_TRAINING)
    lengths: Any = table.group_by("id").aggregate([("length", "sum")])["length_sum"].to_pylist()
    assert sorted(lengths) == [15, 20, 20, 20, 20]


def test_the_rows_of_a_source_stand_together_and_hold_no_others(tmp_path: Path) -> None:
    build(tmp_path / "m", [("b", shard("b", 50)), ("a", shard("a", 70)), ("b", shard("b", 30, first=50))], config())
    index = read_index(tmp_path / "m")
    table = pq.read_table(tmp_path / "m" / "membership.parquet", filters=IN_TRAINING).to_pylist()
    for source, rows in index.sources.items():
        assert {row["row"] for row in table if row["source"] == source} == set(range(rows.first_row, rows.first_row + rows.num_rows))
    assert sum(rows.num_rows for rows in index.sources.values()) == len(np.load(tmp_path / "m" / "train_tokens.npy"))


def test_the_index_says_how_the_mixture_is_read(tmp_path: Path) -> None:
    later = [{"from": 0.5, "weights": {"b": 1.0}}]
    build(tmp_path / "m", [("a", shard("a", 50)), ("b", shard("b", 50))], config(stages=later, max_epochs={"a": 2.0, "b": 3.5}))
    index = read_index(tmp_path / "m")
    assert (index.seed, index.sequence_length, index.weights, [stage.start for stage in index.stages]) == (7, 32, {"a": 3.0, "b": 1.0}, [0.5])
    assert {source: rows.max_epochs for source, rows in index.sources.items()} == {"a": 2.0, "b": 3.5}


def test_the_index_says_how_many_documents_a_row_of_either_split_holds_at_most(tmp_path: Path) -> None:
    for name, length in (("few", 20), ("many", 4)):
        build(tmp_path / name, [("a", shard("a", 30, length))], config(weights={"a": 1.0}))
        segments = np.concatenate([np.load(tmp_path / name / f"{split}_segments.npy") for split in ("train", "validation")])
        assert read_index(tmp_path / name).max_documents == max(len(set(row) - {PADDING_SEGMENT}) for row in segments.tolist())


def test_held_out_rows_of_more_documents_than_any_that_is_trained_on_can_be_read(tmp_path: Path) -> None:
    chosen = config(weights={"a": 1.0}, sequence_length=64, validation_fraction=0.5)
    names = [f"a/f#{number}" for number in range(120)]
    lengths = [2 if is_validation(name, chosen) else 64 for name in names]
    tokens = np.concatenate([np.array([10] * (length - 1) + [0], np.uint16) for length in lengths])
    (tmp_path / "m").mkdir()
    build_mixture([("a", Shard(tokens, np.cumsum([0, *lengths]), names))], [], chosen, PAD, tmp_path / "m")
    objective = specs("objectives")["span_corruption"]
    settings, most = objective.config(), read_index(tmp_path / "m").max_documents
    transform = Transform(objective, settings, CONTROL, objective.lengths(settings, 64, most))
    held, segments = (np.load(tmp_path / "m" / f"validation_{kind}.npy") for kind in ("tokens", "segments"))
    examples = prepare_rows(held, segments, range(len(held)), 0, transform)
    assert (examples.segments_BT >= 0).sum() == (segments != PADDING_SEGMENT).sum() == 2 * sum(length == 2 for length in lengths)


def test_a_changed_token_makes_another_index_be_it_trained_on_or_held_out(tmp_path: Path) -> None:
    shards = [("a", shard("a", 50)), ("b", shard("b", 50))]
    (tmp_path / "m").mkdir()
    build_mixture(shards, [], config(), PAD, tmp_path / "m")
    for number, is_held in enumerate([is_validation(f"a/f#{number}", config()) for number in range(3)]):
        changed = shard("a", 50)
        changed.tokens[20 * number + 5] += 1
        (tmp_path / str(number)).mkdir()
        build_mixture([("a", changed), shards[1]], [], config(), PAD, tmp_path / str(number))
        split = "validation" if is_held else "train"
        for file in (f"{split}_tokens.npy", "index.json"):
            assert (tmp_path / str(number) / file).read_bytes() != (tmp_path / "m" / file).read_bytes()


def test_the_first_rows_of_the_validation_split_have_the_shares_of_the_mixture(tmp_path: Path) -> None:
    chosen = config(validation_fraction=0.5, weights={"a": 1.0, "b": 1.0})
    build(tmp_path / "m", [("a", shard("a", 400)), ("b", shard("b", 100))], chosen)
    table = pq.read_table(tmp_path / "m" / "membership.parquet", filters=HELD_OUT).to_pylist()
    source_of = {row["row"]: row["source"] for row in table}
    assert sorted(source_of) == list(range(len(source_of))) == list(range(len(np.load(tmp_path / "m" / "validation_tokens.npy"))))
    first = [source_of[row] for row in range(40)]
    assert first.count("a") == first.count("b") == 20


def test_a_source_that_a_stage_alone_names_is_packed_too(tmp_path: Path) -> None:
    rows = build(
        tmp_path / "m", [("a", shard("a", 50)), ("b", shard("b", 50))], config(weights={"a": 1.0}, stages=[{"from": 0.5, "weights": {"b": 1}}])
    )
    assert (rows["b"]["share"], rows["b"]["num_train_rows"] > 0) == (0.0, True)


def test_a_tiny_source_says_how_much_of_its_rows_is_used(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    chosen = config(weights={"a": 1.0, "b": 1.0}, validation_fraction=0.0)
    shards = [("a", shard("a", 2)), ("b", shard("b", 1600))]
    summary = build_mixture(shards, [], chosen, PAD, tmp_path / "m")
    assert summary.underfilled_sources == "a (2 rows, 62.5% used)"
    assert summary.packing_efficiency == (2 + 1600) * 20 / (summary.num_sequences * 32)
    assert 2 <= summary.most_rows == most_rows(read_index(tmp_path / "m")) <= 6  # the third row of 'a' is no later than the seventh in all


def test_a_held_out_document_is_never_trained_on_and_stays_held_out_when_others_come(tmp_path: Path) -> None:
    chosen = config(weights={"a": 1.0})
    held = {number + 10 for number in range(100) if is_validation(f"a/f#{number}", chosen)}
    assert 5 < len(held) < 40
    for name, shards in {"old": [("a", shard("a", 100))], "new": [("a", shard("a", 100)), ("a", shard("a", 50, first=100))]}.items():
        build(tmp_path / name, shards, chosen)
        assert not held & set(np.load(tmp_path / name / "train_tokens.npy").flatten().tolist())
        assert held <= set(np.load(tmp_path / name / "validation_tokens.npy").flatten().tolist())


def test_packing_loses_no_token_and_keeps_documents_in_segments_of_their_own(tmp_path: Path) -> None:
    build(tmp_path / "m", [("a", shard("a", 40, length=50))], config(weights={"a": 1.0}, validation_fraction=0.0))
    tokens, segments = np.load(tmp_path / "m" / "train_tokens.npy"), np.load(tmp_path / "m" / "train_segments.npy")
    assert (tokens != PAD).sum() == 40 * 50 and ((tokens == PAD) == (segments == PADDING_SEGMENT)).all()
    for row, segment in zip(tokens, segments, strict=True):
        for number in set(segment.tolist()) - {PADDING_SEGMENT}:
            assert len(set(row[segment == number].tolist()) - {0}) <= 1


def test_short_documents_share_rows(tmp_path: Path) -> None:
    build(tmp_path / "m", [("a", shard("a", 64, length=8))], config(weights={"a": 1.0}, validation_fraction=0.0))
    assert np.load(tmp_path / "m" / "train_tokens.npy").shape == (16, 32)


def test_the_same_inputs_give_the_same_bytes_and_another_seed_another_order(tmp_path: Path) -> None:
    shards = [("a", shard("a", 50)), ("b", shard("b", 50))]
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        build(tmp_path / name, shards, config(seed=seed))
    read = {name: (tmp_path / name / "train_tokens.npy").read_bytes() for name in ("one", "two", "other")}
    assert read["one"] == read["two"] != read["other"]


def test_heldout_texts_are_validation_documents_up_to_the_bound(tmp_path: Path) -> None:
    build(tmp_path / "m", [("a", shard("a", 100))], config(weights={"a": 1.0}))
    ids = pq.read_table(tmp_path / "m" / "heldout.parquet")["id"].to_pylist()
    assert len(ids) == 3 and all(is_validation(str(each), config(weights={"a": 1.0})) for each in ids)


def test_a_source_of_weight_0_is_left_out(tmp_path: Path) -> None:
    rows = build(tmp_path / "m", [("a", shard("a", 10)), ("b", shard("b", 10))], config(weights={"a": 1.0, "b": 0.0}))
    build(tmp_path / "without", [("a", shard("a", 10))], config(weights={"a": 1.0}))
    assert list(rows) == ["a"]
    for file in ("train_tokens.npy", "validation_tokens.npy", "membership.parquet", "composition.parquet"):
        assert (tmp_path / "m" / file).read_bytes() == (tmp_path / "without" / file).read_bytes()


def test_bounds_that_leave_a_source_no_token_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no token of 'b' is left to train on"):
        build(tmp_path / "m", [("a", shard("a", 10)), ("b", shard("b", 10))], config(max_train_tokens=3))


def test_a_mixture_that_holds_nothing_out_has_an_empty_validation_split(tmp_path: Path) -> None:
    build(tmp_path / "m", [("a", shard("a", 10))], config(weights={"a": 1.0}, validation_fraction=0.0))
    assert [np.load(tmp_path / "m" / f"validation_{name}.npy").shape for name in ("tokens", "segments")] == [(0, 32)] * 2


def test_shards_in_another_order_of_arrival_give_the_same_bytes(tmp_path: Path) -> None:
    shards = [("a", shard("a", 50)), ("b", shard("b", 50)), ("a", shard("a", 20, first=50))]
    for name, order in (("one", shards), ("other", shards[::-1])):
        build(tmp_path / name, order, config(max_train_tokens=600))
    for file in ("train_tokens.npy", "validation_tokens.npy", "membership.parquet", "index.json", "heldout.parquet", "composition.parquet"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_a_weighted_source_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'b' has no training document"):
        build(tmp_path / "m", [("a", shard("a", 10))], config())


def test_the_held_out_text_of_a_pair_is_that_of_its_chosen_side(tmp_path: Path) -> None:
    chosen = config(weights={"a": 1.0}, validation_fraction=0.5, max_heldout_documents=100)
    talk = [Turn("user", "Why?"), Turn("assistant", "So."), Turn("rejected", "No.")]
    documents = document_table("a", "f", [conversation(str(number), talk) for number in range(20)])
    (tmp_path / "m").mkdir()
    build_mixture([("a", shard("a", 20))], [documents], chosen, PAD, tmp_path / "m")
    assert set(pq.read_table(tmp_path / "m" / "heldout.parquet")["text"].to_pylist()) == {"Why?\n\nSo."}
