"""Which document stands where in a mixture: exact, both ways."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from kernels.tokens.mixtures import membership
from kernels.tokens.mixtures.building import build_mixture
from kernels.tokens.mixtures.config import MixtureConfig, is_validation
from kernels.tokens.mixtures.membership import MEMBERSHIP
from kernels.tokens.mixtures.packing import PADDING_SEGMENT
from kernels.tokens.shards import Shard

PAD = 9999
CONFIG = MixtureConfig.model_validate(
    {"weights": {"a": 1.0, "b": 1.0}, "max_epochs": 1.0, "max_train_tokens": None, "sequence_length": 64, "validation_fraction": 0.2, "seed": 3}
    | {"max_heldout_documents": 0}
)


def shard(source: str, lengths: list[int], first: int, dtype: Any = np.uint16) -> Shard:
    """Documents of random tokens."""
    random = np.random.default_rng(first)
    tokens = random.integers(0, 9000, sum(lengths)).astype(dtype)
    return Shard(tokens, np.cumsum([0, *lengths]).astype(np.int64), [f"{source}/f#{first + number}" for number in range(len(lengths))])


def shards(dtype: Any = np.uint16) -> list[tuple[str, Shard]]:
    random = np.random.default_rng(0)
    lengths = [random.integers(1, high, count).tolist() for high, count in ((200, 60), (30, 90), (64, 40))]
    return [("a", shard("a", lengths[0], 0, dtype)), ("b", shard("b", lengths[1], 1000, dtype)), ("a", shard("a", lengths[2], 2000, dtype))]


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@pytest.mark.parametrize(("num_positions", "num_spans"), [(1 << 22, 1 << 17), (200, 7), (1, 1)])
def test_documents_are_rebuilt_from_rows_and_every_position_but_padding_is_in_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_positions: int, num_spans: int, dtype: Any
) -> None:
    monkeypatch.setattr(membership, "BATCH_POSITIONS", num_positions)
    monkeypatch.setattr(membership, "BATCH_SPANS", num_spans)
    build_mixture(shards(dtype), [], CONFIG, PAD, tmp_path)
    table = pq.read_table(tmp_path / "membership.parquet")
    assert table.schema.equals(MEMBERSHIP)
    rows: list[dict[str, Any]] = table.to_pylist()
    rebuilt: dict[str, dict[int, int]] = {}
    for split in ("train", "validation"):
        tokens, segments = (np.load(tmp_path / f"{split}_{name}.npy") for name in ("tokens", "segments"))
        assert (tokens.dtype, segments.dtype, tokens.shape) == (dtype, np.uint16, segments.shape)
        covered = np.zeros(tokens.shape, np.int64)
        for row in (row for row in rows if row["split"] == split):
            run = slice(row["start"], row["start"] + row["length"])
            covered[row["row"], run] += 1
            assert (segments[row["row"], run] == row["segment"]).all()
            own = rebuilt.setdefault(row["id"], {})
            own |= dict(enumerate(tokens[row["row"], run].tolist(), row["first_token"]))
            assert is_validation(row["id"], CONFIG) == (split == "validation") and row["source"] == row["id"][0]
        assert np.array_equal(covered, segments != PADDING_SEGMENT) and (tokens[segments == PADDING_SEGMENT] == PAD).all()
        for line in segments:
            used = line[line != PADDING_SEGMENT]
            assert (np.diff(used.astype(int)) >= 0).all() and len(set(used.tolist())) == used.max() + 1 and (line[: len(used)] == used).all()
    whole = {name: each.tokens[first:last].tolist() for _, each in shards(dtype) for name, first, last in _documents(each)}
    assert {name: [own[place] for place in sorted(own)] for name, own in rebuilt.items()} == whole
    assert sum(row["length"] for row in rows) == sum(map(len, whole.values()))


def _documents(each: Shard) -> list[tuple[str, int, int]]:
    return list(zip(each.ids, each.offsets[:-1].tolist(), each.offsets[1:].tolist(), strict=True))


def test_sql_asks_for_its_columns_by_their_plain_names(tmp_path: Path) -> None:
    build_mixture(shards(), [], CONFIG, PAD, tmp_path)
    query = f"SELECT split, row, start, length, segment, source, id, first_token FROM '{tmp_path}/membership.parquet' WHERE id = 'b/f#1000'"
    (found,) = duckdb.connect().execute(query).fetchall()
    assert found[5:] == ("b", "b/f#1000", 0)
