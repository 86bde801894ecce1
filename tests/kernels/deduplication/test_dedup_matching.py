"""Duplicates across partitions: first come, first kept, however the documents are cut."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from kernels.deduplication import matching
from kernels.deduplication.matching import DUPLICATES, SIGNATURES, DedupConfig, deduplicate, find_duplicates, signature_table
from kernels.deduplication.minhash import MinHashConfig
from kernels.documents import document_table
from kernels.specs import Document

CONFIG = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=0.6)


def _documents(texts: list[str]) -> pa.Table:
    return document_table("s", "f", [Document(key=str(number), text=text) for number, text in enumerate(texts)])


def _variants(num_stems: int, num_documents: int, seed: int) -> list[str]:
    """Texts drawn from a few stems, each with some words changed, so that many are near each other by degrees."""
    random = np.random.default_rng(seed)
    stems = [[f"w{n}" for n in random.integers(0, 10**6, 80)] for _ in range(num_stems)]
    texts = []
    for _ in range(num_documents):
        words = list(stems[random.integers(num_stems)])
        for place in random.choice(len(words), random.integers(0, 5), replace=False):
            words[place] = f"x{random.integers(10**6)}"
        texts.append(" ".join(words))
    return texts


def _kept(documents: pa.Table, cuts: list[int]) -> list[str]:
    kept: list[str] = []
    earlier: list[pa.Table] = []
    for start, end in zip([0, *cuts], [*cuts, documents.num_rows], strict=True):
        part = documents.slice(start, end - start)
        own = signature_table(part, CONFIG)
        kept += deduplicate(part, find_duplicates(own, earlier, CONFIG))["id"].to_pylist()
        earlier.append(own)
    return kept


def _first_matches(table: pa.Table) -> dict[str, tuple[str, float]]:
    """The definition, pair by pair: each row's first earlier row that is equal, or shares a band and is similar enough."""
    rows = table.to_pylist()
    found = {}
    for later, row in enumerate(rows):
        for early in rows[:later]:
            one, other = (np.frombuffer(side["signature"], "<u4").reshape(14, 8) for side in (row, early))
            similarity = float((one == other).mean())
            if row["exact"] == early["exact"] or ((one == other).all(axis=1).any() and similarity >= CONFIG.min_similarity):
                found[row["id"]] = (early["id"], similarity)
                break
    return found


def test_exact_and_near_duplicates_go_and_the_first_stays() -> None:
    long = " ".join(f"w{n}" for n in range(100))
    documents = _documents([long, "other text", long.upper() + "!", long.replace("w50", "changed"), "Other text."])
    duplicates = find_duplicates(signature_table(documents, CONFIG), [], CONFIG)
    assert duplicates.schema == DUPLICATES
    assert [(row["id"], row["kept_id"], row["kind"]) for row in duplicates.to_pylist()] == [
        ("s/f#2", "s/f#0", "exact"),
        ("s/f#3", "s/f#0", "minhash"),
        ("s/f#4", "s/f#1", "exact"),
    ]
    similarities = duplicates["similarity"].to_pylist()
    assert similarities[0] == similarities[2] == 1
    assert 0.75 < similarities[1] < 1
    assert deduplicate(documents, duplicates)["id"].to_pylist() == ["s/f#0", "s/f#1"]


def test_an_earlier_partition_keeps_its_document() -> None:
    first, second = (
        _documents(["same words here", "alone"]),
        _documents(["new", "same words here"]).set_column(0, "id", pa.array(["a", "b"])),
    )
    duplicates = find_duplicates(signature_table(second, CONFIG), [signature_table(first, CONFIG)], CONFIG)
    assert [(row["id"], row["kept_id"]) for row in duplicates.to_pylist()] == [("b", "s/f#0")]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_does_not_depend_on_where_partitions_are_cut(seed: int) -> None:
    documents = _documents(_variants(12, 150, seed))
    random = np.random.default_rng(seed)
    whole = _kept(documents, [])
    assert 12 <= len(whole) < 150
    for num_cuts in (1, 3, 10):
        assert _kept(documents, sorted(random.choice(150, num_cuts, replace=False).tolist())) == whole


@pytest.mark.parametrize("max_pairs", [3, 1 << 19])
def test_matches_are_those_of_comparing_all_pairs(max_pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_MAX_PAIRS", max_pairs)
    table = signature_table(_documents(_variants(6, 120, 9)), CONFIG)
    expected = _first_matches(table)
    for num_earlier in (0, 50):
        duplicates = find_duplicates(table.slice(num_earlier), [table.slice(0, num_earlier)], CONFIG).to_pylist()
        own = {key: value for key, value in expected.items() if int(key.split("#")[1]) >= num_earlier}
        assert {row["id"]: row["similarity"] for row in duplicates} == pytest.approx({key: value[1] for key, value in own.items()})


def test_kept_id_follows_own_links_to_the_first_of_the_cluster() -> None:
    table = signature_table(_documents(_variants(3, 60, 5)), CONFIG)
    first = {key: value[0] for key, value in _first_matches(table).items()}
    assert any(kept in first for kept in first.values())
    for row in find_duplicates(table, [], CONFIG).to_pylist():
        root = first[row["id"]]
        while root in first:
            root = first[root]
        assert row["kept_id"] == root


def test_empty_tables_are_fine() -> None:
    empty = signature_table(_documents([]), CONFIG)
    assert empty.schema == SIGNATURES
    assert find_duplicates(empty, [], CONFIG).num_rows == 0
    assert find_duplicates(empty, [signature_table(_documents(["a"]), CONFIG)], CONFIG).num_rows == 0
    documents = _documents(["a"])
    assert deduplicate(documents, DUPLICATES.empty_table()).equals(documents)


def test_signatures_of_another_config_are_refused() -> None:
    other = DedupConfig(minhash=MinHashConfig(num_buckets=2, seed=1), min_similarity=0.6)
    table = signature_table(_documents(["a"]), CONFIG)
    with pytest.raises(ValueError, match="made with another config"):
        find_duplicates(table, [signature_table(_documents(["a"]), other)], CONFIG)


def test_speeches_given_twice_are_found_in_real_text(shared_data: Path) -> None:
    text = (shared_data / "tinyshakespeare" / "input.txt").read_text("utf-8")
    scenes = [text[start : start + 3000] for start in range(0, 90_000, 3000)]
    edited = [scene.replace("shall", "will").replace("\n", "\r\n") for scene in scenes[:10]]
    duplicates = find_duplicates(signature_table(_documents(scenes + edited), CONFIG), [], CONFIG)
    assert dict(zip(duplicates["id"].to_pylist(), duplicates["kept_id"].to_pylist(), strict=True)) == {
        f"s/f#{30 + number}": f"s/f#{number}" for number in range(10)
    }
