"""Mixtures that come after others: what those trained on is left out, what they hold out stays held out, and a share is replayed."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kernels.documents.conversations import TURNS
from kernels.tokens.mixtures.building import MixtureSummary, build_mixture
from kernels.tokens.mixtures.choosing.earlier import Earlier
from kernels.tokens.mixtures.config import MixtureConfig, is_validation
from kernels.tokens.mixtures.index import read_index
from kernels.tokens.mixtures.order import Order
from kernels.tokens.shards import Shard

LENGTH = 20
PAD = 9999


def shard(source: str, num_documents: int, first: int = 0) -> tuple[str, Shard]:
    """Documents of `LENGTH` tokens each, all of them the document's own number."""
    tokens = np.repeat(np.arange(first, first + num_documents, dtype=np.uint16), LENGTH)
    return source, Shard(tokens, np.arange(num_documents + 1, dtype=np.int64) * LENGTH, [f"{source}/f#{first + n}" for n in range(num_documents)])


OLD = [shard("a", 200), shard("b", 100)]
GROWN = [*OLD, shard("a", 100, first=200), shard("c", 80)]


def config(**changes: object) -> MixtureConfig:
    values = {"weights": {"a": 1.0}, "max_epochs": 1.0, "max_train_tokens": None, "sequence_length": 32}
    values |= {"validation_fraction": 0.2, "max_heldout_documents": 1000, "seed": 7}
    return MixtureConfig.model_validate({**values, **changes})


def build(out: Path, shards: Sequence[tuple[str, Shard]], chosen: MixtureConfig, *earlier: Path) -> MixtureSummary:
    out.mkdir()
    texts = [
        {"id": each.ids, "source": [source] * len(each.ids), "text": each.ids, "turns": pa.nulls(len(each.ids), TURNS)} for source, each in shards
    ]
    return build_mixture(shards, map(pa.table, texts), chosen, PAD, out, Earlier(earlier))


def ids(folder: Path, split: str, *, earlier: bool | None = None) -> set[str]:
    wanted: Any = [("split", "=", split), *([] if earlier is None else [("is_earlier", "=", earlier)])]
    return set(map(str, pq.read_table(folder / "membership.parquet", columns=["id"], filters=wanted)["id"].to_pylist()))


def num_tokens(folder: Path, split: str, source: str, *, earlier: bool) -> int:
    wanted: Any = [("split", "=", split), ("source", "=", source), ("is_earlier", "=", earlier)]
    lengths: Any = pq.read_table(folder / "membership.parquet", columns=["length"], filters=wanted)["length"].to_pylist()
    return sum(lengths)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """What was trained on before: of two sources, one of which grows."""
    build(tmp_path / "first", OLD, config(weights={"a": 3.0, "b": 1.0}))
    return tmp_path / "first"


@pytest.mark.parametrize("changes", [{}, {"seed": 8}, {"validation_fraction": 0.5}, {"validation_fraction": 0.0}])
def test_exactly_the_new_documents_are_split_by_hash_and_none_of_the_old_comes_again(first: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    chosen = config(after="first", weights={"a": 1.0, "c": 1.0}, **changes)
    summary = build(tmp_path / "grown", GROWN, chosen, first)
    new = [f"a/f#{number}" for number in range(200, 300)] + [f"c/f#{number}" for number in range(80)]
    held = {each for each in new if is_validation(each, chosen)}
    assert ids(tmp_path / "grown", "train") == set(new) - held and ids(tmp_path / "grown", "validation") == held
    assert (summary.num_documents_of_earlier, summary.num_replayed_tokens, summary.replayed_share) == (200, 0, 0.0)
    assert not any(pq.read_table(tmp_path / "grown" / "membership.parquet")["is_earlier"].to_pylist())


def test_replayed_tokens_have_their_share_of_all_to_a_token_and_are_of_documents_that_were_trained_on(first: Path, tmp_path: Path) -> None:
    summary = build(tmp_path / "grown", GROWN, config(after="first", weights={"c": 1.0}, replay=0.3), first)
    new = num_tokens(tmp_path / "grown", "train", "c", earlier=False)
    again = {source: num_tokens(tmp_path / "grown", "train", source, earlier=True) for source in "ab"}
    assert new == LENGTH * len(ids(tmp_path / "grown", "train", earlier=False))
    assert again == {"a": int(Fraction(3, 10) * new / Fraction(7, 10) * 3 / 4), "b": int(Fraction(3, 10) * new / Fraction(7, 10) / 4)}
    assert summary.num_replayed_tokens == read_index(tmp_path / "grown").num_replayed_tokens == sum(again.values())
    assert summary.replayed_share == sum(again.values()) / (new + sum(again.values())) == pytest.approx(0.3, abs=2 / new)
    replayed = ids(tmp_path / "grown", "train", earlier=True)
    assert replayed < ids(first, "train") and summary.num_replayed_documents == len(replayed) == sum(-(-each // LENGTH) for each in again.values())


def test_a_training_reads_replayed_rows_in_their_share_and_the_others_as_the_weights_say(first: Path, tmp_path: Path) -> None:
    later = [{"from": 0.5, "weights": {"c": 1.0}}]
    build(tmp_path / "grown", GROWN, config(after="first", weights={"a": 1.0, "c": 3.0}, stages=later, replay=0.2, max_epochs=50), first)
    index = read_index(tmp_path / "grown")
    assert index.weights == {"a": 0.2, "c": 0.6, "a (replayed)": 0.15, "b (replayed)": 0.05}
    assert index.stages[0].weights == {"c": 0.8, "a (replayed)": 0.15, "b (replayed)": 0.05}
    rows = Order(index, 2000).rows(0, 2000)
    for half, shares in ((rows[:1000], index.weights), (rows[1000:], index.stages[0].weights)):
        for name, source in index.sources.items():
            count = int(((half >= source.first_row) & (half < source.first_row + source.num_rows)).sum())
            assert abs(count - 1000 * shares.get(name, 0)) <= 3, name


def test_rows_hold_either_new_or_replayed_documents(first: Path, tmp_path: Path) -> None:
    build(tmp_path / "grown", GROWN, config(after="first", replay=0.4), first)
    index = read_index(tmp_path / "grown")
    wanted: Any = [("split", "=", "train")]
    for row in pq.read_table(tmp_path / "grown" / "membership.parquet", filters=wanted).to_pylist():
        own = index.sources[f"{row['source']} (replayed)" if row["is_earlier"] else row["source"]]
        assert own.first_row <= row["row"] < own.first_row + own.num_rows
        assert row["is_earlier"] == (row["id"] in ids(first, "train"))


def test_what_is_replayed_of_each_source_may_be_said(first: Path, tmp_path: Path) -> None:
    build(tmp_path / "grown", GROWN, config(after="first", weights={"c": 1.0}, replay={"b": 0.25}), first)
    new = num_tokens(tmp_path / "grown", "train", "c", earlier=False)
    assert num_tokens(tmp_path / "grown", "train", "b", earlier=True) == new // 3
    assert ids(tmp_path / "grown", "train", earlier=True) < {each for each in ids(first, "train") if each.startswith("b")}


def test_the_validation_split_tells_of_both_in_the_same_shares_and_its_texts_for_evals_are_the_new_ones(first: Path, tmp_path: Path) -> None:
    summary = build(tmp_path / "grown", GROWN, config(after="first", weights={"c": 1.0}, replay=0.3), first)
    new, old = ids(tmp_path / "grown", "validation", earlier=False), ids(tmp_path / "grown", "validation", earlier=True)
    assert new == {f"c/f#{number}" for number in range(80) if is_validation(f"c/f#{number}", config())} and old and old < ids(first, "validation")
    assert num_tokens(tmp_path / "grown", "validation", "a", earlier=True) == int(Fraction(3, 7) * len(new) * LENGTH * 3 / 4)
    assert set(pq.read_table(tmp_path / "grown" / "heldout.parquet")["id"].to_pylist()) == new and summary.num_heldout_documents == len(new)


def test_the_third_mixture_leaves_out_what_both_before_it_trained_on_and_replays_of_both(first: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    build(second, GROWN, config(after="first", weights={"a": 1.0}, replay=0.2), first)
    last = [*GROWN, shard("a", 100, first=300)]
    summary = build(tmp_path / "third", last, config(after="second", weights={"a": 1.0}, replay=0.5), second, first)
    new = ids(tmp_path / "third", "train", earlier=False)
    assert new == {f"a/f#{number}" for number in range(300, 400) if not is_validation(f"a/f#{number}", config())}
    assert summary.num_documents_of_earlier == 300
    index = read_index(tmp_path / "third")
    assert index.weights == {"a": 0.5, "a (replayed)": 0.475, "b (replayed)": 0.025}  # the second read "b" as a quarter of its 20%
    replayed = ids(tmp_path / "third", "train", earlier=True)
    assert replayed & ids(second, "train", earlier=False) and replayed & ids(first, "train") and replayed < ids(first, "train") | ids(second, "train")
    assert not (replayed | new) & (ids(first, "validation") | ids(second, "validation"))


def test_each_mixture_draws_what_it_replays_anew(first: Path, tmp_path: Path) -> None:
    drawn: list[set[str]] = []
    for after in ("first", "other", "first"):
        folder = tmp_path / str(len(drawn))
        build(folder, GROWN, config(after=after, weights={"c": 1.0}, replay=0.2), first)
        drawn.append(ids(folder, "train", earlier=True))
    assert drawn[0] == drawn[2] and len(drawn[0] & drawn[1]) < len(drawn[0]) / 2


def test_shares_are_those_of_the_whole_training_where_they_change_on_its_way(tmp_path: Path) -> None:
    later = [{"from": 0.8, "weights": {"b": 1.0}}]
    build(tmp_path / "first", OLD, config(weights={"a": 3.0, "b": 1.0}, stages=later))
    assert Earlier((tmp_path / "first",)).shares() == {"a": Fraction(6, 10), "b": Fraction(4, 10)}


def test_documents_that_a_bound_cut_off_before_are_new_and_one_that_was_cut_is_not(tmp_path: Path) -> None:
    build(tmp_path / "first", OLD, config(max_train_tokens=10 * LENGTH + 5, validation_fraction=0.0))
    build(tmp_path / "grown", OLD, config(after="first", validation_fraction=0.0), tmp_path / "first")
    assert len(ids(tmp_path / "first", "train")) == 11
    assert ids(tmp_path / "grown", "train") == {f"a/f#{number}" for number in range(200)} - ids(tmp_path / "first", "train")


def test_a_bound_on_the_training_tokens_is_one_on_new_and_replayed_ones_together(first: Path, tmp_path: Path) -> None:
    summary = build(tmp_path / "grown", GROWN, config(after="first", weights={"c": 1.0}, replay=0.25, max_train_tokens=800), first)
    assert (summary.num_train_tokens, summary.num_replayed_tokens) == (800, 200)


def test_where_fewer_documents_are_there_than_are_to_be_replayed_all_are_and_a_training_that_reads_them_too_often_is_refused(
    first: Path, tmp_path: Path
) -> None:
    summary = build(tmp_path / "grown", GROWN, config(after="first", weights={"c": 1.0}, replay={"b": 0.9}), first)
    assert ids(tmp_path / "grown", "train", earlier=True) == {each for each in ids(first, "train") if each.startswith("b")}
    assert summary.replayed_share < 0.9
    with pytest.raises(
        ValueError, match=r"reads the source 'b \(replayed\)' [\d.]+ times .*; read at most \d+ rows .*lower replay or raise max_epochs"
    ):
        Order(read_index(tmp_path / "grown"), summary.most_rows + 1)


def test_a_source_of_which_nothing_is_new_is_told(first: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no document of 'b' is new: 'first', or a mixture before it, has all 100 of them; wait until others come"):
        build(tmp_path / "grown", GROWN, config(after="first", weights={"b": 1.0}), first)


def test_what_is_to_be_replayed_and_is_not_there_is_told(first: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no document of 'a' that 'first' trained on is there to be replayed"):
        build(tmp_path / "gone", [shard("c", 80)], config(after="first", weights={"c": 1.0}, replay=0.1), first)
    with pytest.raises(ValueError, match=r"a share of 0\.0001, that of 'b' in what is replayed, comes to no token"):
        build(tmp_path / "none", GROWN, config(after="first", weights={"c": 1.0}, replay={"b": 0.0001}), first)


def test_the_order_in_which_shards_arrive_means_nothing(first: Path, tmp_path: Path) -> None:
    for name, shards in (("one", GROWN), ("other", GROWN[::-1])):
        build(tmp_path / name, shards, config(after="first", weights={"a": 1.0, "c": 1.0}, replay=0.3), first)
    for file in ("train_tokens.npy", "validation_tokens.npy", "membership.parquet", "index.json", "heldout.parquet", "composition.parquet"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_the_composition_tells_new_and_replayed_documents_of_a_source_apart(first: Path, tmp_path: Path) -> None:
    build(tmp_path / "grown", GROWN, config(after="first", replay=0.4, max_epochs=3), first)
    rows = {(row["source"], row["is_replayed"]): row for row in pq.read_table(tmp_path / "grown" / "composition.parquet").to_pylist()}
    assert list(rows) == [("a", False), ("a", True), ("b", True)]
    trained = {source: sum(each.startswith(source) for each in ids(first, "train")) for source in "ab"}
    for source, share in (("a", 0.3), ("b", 0.1)):
        row = rows[source, True]
        assert (row["share"], row["max_epochs"]) == (share, 3)
        assert row["num_train_documents"] + row["num_documents_cut_off"] == trained[source]
    assert rows["a", False]["share"] == 0.6
