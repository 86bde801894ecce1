"""Packed mixtures."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kernels.documents.conversations import TURNS, conversation
from kernels.documents.schema import document_table
from kernels.specs.turns import Turn
from kernels.tokens.mixture_config import MixtureConfig, is_validation
from kernels.tokens.mixtures import build_mixture
from kernels.tokens.packing import PADDING_SEGMENT
from kernels.tokens.shards import Shard

PAD = 9999


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
    documents = {str(number): texts(source, len(each.ids), int(each.ids[0].split("#")[1])) for number, (source, each) in enumerate(shards)}
    build_mixture(shards, documents, chosen, PAD, out)
    return {row["source"]: row for row in pq.read_table(out / "composition.parquet").to_pylist()}


def test_shares_are_of_tokens_and_the_scarcer_source_bounds_the_whole(tmp_path: Path) -> None:
    rows = build(tmp_path / "m", [("a", shard("a", 100)), ("b", shard("b", 100))], config())
    assert rows["a"]["num_train_tokens"] == pytest.approx(3 * rows["b"]["num_train_tokens"], abs=2)
    assert rows["a"]["epochs"] == pytest.approx(1.0, abs=0.01) and rows["b"]["epochs"] < 0.5


def test_no_source_is_seen_more_often_than_max_epochs(tmp_path: Path) -> None:
    rows = build(tmp_path / "m", [("a", shard("a", 10)), ("b", shard("b", 100))], config(max_epochs=2.0))
    assert rows["a"]["epochs"] == pytest.approx(2.0, abs=0.1)
    assert max(row["epochs"] for row in rows.values()) <= 2.0


def test_max_train_tokens_bounds_the_whole(tmp_path: Path) -> None:
    rows = build(tmp_path / "m", [("a", shard("a", 100)), ("b", shard("b", 100))], config(max_train_tokens=400))
    assert sum(row["num_train_tokens"] for row in rows.values()) == 400


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


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"weights": {"a": 1.0, "b": -0.5}}, "the weights of b are no shares"),
        ({"weights": {"a": float("nan")}}, "should be a finite number"),
        ({"weights": {"a": 0.0, "b": 0.0}}, "every weight is 0"),
        ({"sequence_length": PADDING_SEGMENT + 1}, "at most 65535"),
    ],
)
def test_what_no_mixture_can_be_made_of_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        config(**changes)


def test_a_source_of_weight_0_is_left_out(tmp_path: Path) -> None:
    rows = build(tmp_path / "m", [("a", shard("a", 10)), ("b", shard("b", 10))], config(weights={"a": 1.0, "b": 0.0}))
    assert list(rows) == ["a"]


def test_bounds_that_leave_no_token_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no token is left to train on"):
        build(tmp_path / "m", [("a", shard("a", 10))], config(weights={"a": 1.0}, max_epochs=0.001))


def test_a_weighted_source_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'b' has no training document"):
        build(tmp_path / "m", [("a", shard("a", 10))], config())


def test_the_held_out_text_of_a_pair_is_that_of_its_chosen_side(tmp_path: Path) -> None:
    chosen = config(weights={"a": 1.0}, validation_fraction=0.5, max_heldout_documents=100)
    talk = [Turn("user", "Why?"), Turn("assistant", "So."), Turn("rejected", "No.")]
    documents = document_table("a", "f", [conversation(str(number), talk) for number in range(20)])
    (tmp_path / "m").mkdir()
    build_mixture([("a", shard("a", 20))], {"0": documents}, chosen, PAD, tmp_path / "m")
    assert set(pq.read_table(tmp_path / "m" / "heldout.parquet")["text"].to_pylist()) == {"Why?\n\nSo."}
