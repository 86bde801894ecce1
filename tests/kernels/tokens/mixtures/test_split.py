"""The validation split: no near duplicate of what is trained on stands in it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kernels.curation.deduplication.chains import deduplicate
from kernels.curation.deduplication.matching import DedupConfig, find_duplicates, write_index
from kernels.curation.deduplication.minhash import MinHashConfig
from kernels.documents.schema import document_table
from kernels.specs.sources import Document
from kernels.tokens.mixtures.building import build_mixture
from kernels.tokens.mixtures.config import MixtureConfig
from kernels.tokens.shards import Shard

DEDUP = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=0.6)
MIXTURE = MixtureConfig.model_validate(
    {"weights": {"s": 1.0}, "max_epochs": 1.0, "max_train_tokens": None, "sequence_length": 64, "validation_fraction": 0.5, "seed": 3}
    | {"max_heldout_documents": 0}
)


def partitions() -> list[pa.Table]:
    """Two files of texts that are drawn from the same few stems, each with some words changed."""
    random = np.random.default_rng(0)
    stems = [[f"w{number}" for number in random.integers(0, 10**6, 80)] for _ in range(30)]
    found: list[pa.Table] = []
    for file in ("f", "g"):
        texts: list[str] = []
        for _ in range(120):
            words = list(stems[random.integers(len(stems))])
            for place in random.choice(80, random.integers(0, 12), replace=False):
                words[place] = f"x{random.integers(10**6)}"
            texts.append(" ".join(words))
        found.append(document_table("s", file, [Document(str(number), text) for number, text in enumerate(texts)]))
    return found


def duplicates(folder: Path, earlier: list[pa.Table], own: pa.Table) -> pa.Table:
    folder.mkdir()
    folders = [folder / str(number) for number in range(len(earlier) + 1)]
    for each, table in zip(folders, [*earlier, own], strict=True):
        each.mkdir()
        write_index(table, DEDUP, each)
    return find_duplicates(folders[-1], folders[:-1], DEDUP)


def across(folder: Path, tables: list[pa.Table]) -> int:
    """Return how many validation documents of a mixture of tables are near duplicates of its training documents."""
    folder.mkdir()
    shards = [Shard(np.ones(9 * len(each), np.uint16), np.arange(len(each) + 1) * 9, list(map(str, each["id"].to_pylist()))) for each in tables]
    build_mixture([("s", shard) for shard in shards], tables, MIXTURE, 0, folder)
    members = pq.read_table(folder / "membership.parquet", columns=["split", "id"]).to_pylist()
    all_of_them = pa.concat_tables(tables)
    splits: list[pa.Table] = []
    for split in ("train", "validation"):
        own = {row["id"] for row in members if row["split"] == split}
        keep = pa.array([document in own for document in all_of_them["id"].to_pylist()], pa.bool_())
        splits.append(all_of_them.filter(keep))  # pyright: ignore[reportArgumentType]
    assert all(len(each) > 5 for each in splits)
    found = duplicates(folder / "search", splits[:1], splits[1])["first_id"].to_pylist()
    trained = set(splits[0]["id"].to_pylist())
    return sum(first in trained for first in found)


def test_no_validation_document_is_a_near_duplicate_of_a_training_document(tmp_path: Path) -> None:
    first, second = partitions()
    assert across(tmp_path / "as_they_came", [first, second]) > 10
    kept = deduplicate(first, duplicates(tmp_path / "one", [], first))
    others = deduplicate(second, duplicates(tmp_path / "two", [first], second))
    assert across(tmp_path / "deduplicated", [kept, others]) == 0
