"""Duplicates across partitions: first come, first kept, however the documents are cut."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from kernels.curation.deduplication import first_matches, signature_index
from kernels.curation.deduplication.chains import DUPLICATES, clusters, deduplicate
from kernels.curation.deduplication.exact import exact_hashes
from kernels.curation.deduplication.loops import look_ups
from kernels.curation.deduplication.matching import DedupConfig, find_duplicates, write_index
from kernels.curation.deduplication.minhash import MinHashConfig, Signed, signatures
from kernels.documents.schema import document_table
from kernels.specs.sources import Document

CONFIG = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=0.6)


def _documents(texts: list[str], first: int = 0) -> pa.Table:
    return document_table("s", "f", [Document(key=str(first + number), text=text) for number, text in enumerate(texts)])


def _variants(num_stems: int, num_documents: int, seed: int) -> list[str]:
    """Texts drawn from a few stems, each with some words changed, so that many are near each other by degrees."""
    random = np.random.default_rng(seed)
    stems = [[f"w{n}" for n in random.integers(0, 10**6, 80)] for _ in range(num_stems)]
    texts: list[str] = []
    for _ in range(num_documents):
        words = list(stems[random.integers(num_stems)])
        for place in random.choice(80, random.integers(0, 12), replace=False):
            words[place] = f"x{random.integers(10**6)}"
        texts.append(" ".join(words))
    return texts


def _find(folder: Path, texts: list[str], cuts: tuple[int, ...] = (), config: DedupConfig = CONFIG) -> list[dict[str, Any]]:
    """Return the duplicates of all partitions that the cuts make."""
    documents, found = _documents(texts), []
    folders: list[Path] = []
    for number, (start, end) in enumerate(zip((0, *cuts), (*cuts, len(texts)), strict=True)):
        own = folder / f"{len(list(folder.iterdir()))}-{number}"
        own.mkdir()
        write_index(documents.slice(start, end - start), config, own)
        duplicates = find_duplicates(own, folders, config)
        assert duplicates.schema == DUPLICATES
        found += duplicates.to_pylist()
        folders.append(own)
    return found


def _first_matches(texts: list[str]) -> dict[str, tuple[str, float]]:
    """The definition, pair by pair: each row's first earlier row that is equal, or shares a band and is similar enough."""
    signature = signatures(pl.Series(texts), CONFIG.minhash).reshape(len(texts), 14, 8)
    exact = exact_hashes(pl.Series(texts))
    found = {}
    for later in range(len(texts)):
        for early in range(later):
            equal = signature[later] == signature[early]
            if exact[later] == exact[early] or (equal.all(axis=1).any() and equal.mean() >= CONFIG.min_similarity):
                found[f"s/f#{later}"] = (f"s/f#{early}", float(equal.mean()))
                break
    return found


def test_exact_and_near_duplicates_go_and_the_first_stays(tmp_path: Path) -> None:
    long = " ".join(f"w{n}" for n in range(100))
    duplicates = _find(tmp_path, [long, "other text", long.upper() + "!", long.replace("w50", "changed"), "Other text."])
    assert [(row["id"], row["kept_id"], row["kind"]) for row in duplicates] == [
        ("s/f#2", "s/f#0", "exact"),
        ("s/f#3", "s/f#0", "minhash"),
        ("s/f#4", "s/f#1", "exact"),
    ]
    assert duplicates[0]["similarity"] == duplicates[2]["similarity"] == 1
    assert 0.75 < duplicates[1]["similarity"] < 1


@pytest.mark.parametrize("seed", range(4))
def test_what_goes_for_whom_does_not_depend_on_where_partitions_are_cut(seed: int, tmp_path: Path) -> None:
    texts = _variants(12, 150, seed)
    whole = _find(tmp_path, texts)
    assert 12 <= len(texts) - len(whole) < 150
    random = np.random.default_rng(seed)
    for num_cuts in (1, 3, 10):
        cuts = sorted(random.choice(np.arange(1, 150), num_cuts, replace=False).tolist())
        assert _find(tmp_path, texts, tuple(cuts)) == whole


@pytest.mark.parametrize("cuts", [(), (50,), (20, 40, 100)])
def test_matches_are_those_of_comparing_all_pairs(cuts: tuple[int, ...], tmp_path: Path) -> None:
    texts = _variants(6, 120, 9)
    found = _find(tmp_path, texts, cuts)
    assert {row["id"]: (row["first_id"], row["similarity"]) for row in found} == _first_matches(texts)


@pytest.mark.parametrize("cuts", [(), (15, 30, 45)])
def test_kept_id_follows_the_chain_to_a_document_that_was_kept(cuts: tuple[int, ...], tmp_path: Path) -> None:
    found = _find(tmp_path, _variants(3, 60, 5), cuts)
    first = {row["id"]: row["first_id"] for row in found}
    assert any(match in first for match in first.values())
    for row in found:
        root = first[row["id"]]
        while root in first:
            root = first[root]
        assert row["kept_id"] == root


def test_only_the_first_candidates_of_a_band_are_compared(tmp_path: Path) -> None:
    # Every text shares half of its words with the template, in one run: some band is equal, the similarity is too low.
    template = " ".join(f"t{n}" for n in range(60))
    texts = [template + " " + " ".join(f"u{number}x{n}" for n in range(45)) for number in range(30)]
    texts.append(texts[-1] + " end")
    config = CONFIG.model_copy(update={"min_similarity": 0.8})
    assert [row["first_id"] for row in _find(tmp_path, texts, config=config)] == ["s/f#29"]
    assert _find(tmp_path, [texts[0], *texts[:29], texts[-1]], config=config.model_copy(update={"max_candidates": 1}))[0]["first_id"] == "s/f#0"


def test_a_mass_of_one_template_is_compared_in_linear_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 3000
    signature = np.arange(count * 112, dtype=np.uint32).reshape(count, 112)
    signature[:, :8] = 7  # one band in common, nothing else
    monkeypatch.setattr(signature_index, "sign", lambda texts, config: Signed(np.arange(count, dtype=np.uint64), signature))
    num_compared: list[int] = []

    def counted(wanted: Any, index: Any, rows: Any, num_needed: int, budgets: Any, lowest: Any) -> None:
        before = int(budgets.sum())
        look_ups.lower_matches(wanted, index, rows, num_needed, budgets, lowest)
        num_compared.append(before - int(budgets.sum()))

    monkeypatch.setattr(first_matches, "lower_matches", counted)
    write_index(_documents(["a"] * count), CONFIG, tmp_path)
    assert find_duplicates(tmp_path, [], CONFIG.model_copy(update={"max_candidates": 10})).num_rows == 0
    assert 9 * count < sum(num_compared) <= 10 * count


def test_empty_partitions_are_fine(tmp_path: Path) -> None:
    for name, texts in [("empty", []), ("one", ["a"])]:
        (tmp_path / name).mkdir()
        write_index(_documents(texts), CONFIG, tmp_path / name)
    assert find_duplicates(tmp_path / "empty", [], CONFIG).num_rows == 0
    assert find_duplicates(tmp_path / "empty", [tmp_path / "one"], CONFIG).num_rows == 0
    assert find_duplicates(tmp_path / "one", [tmp_path / "empty"], CONFIG).num_rows == 0


def test_duplicates_are_taken_out(tmp_path: Path) -> None:
    texts = ["one two", "three four", "One, two!", "five", "one two."]
    documents = _documents(texts)
    write_index(documents, CONFIG, tmp_path)
    duplicates = find_duplicates(tmp_path, [], CONFIG)
    assert deduplicate(documents, duplicates)["id"].to_pylist() == ["s/f#0", "s/f#1", "s/f#3"]
    assert deduplicate(documents, DUPLICATES.empty_table()).equals(documents)


def test_clusters_count_what_went_for_whom_the_largest_first() -> None:
    rows = [("b", "a", "a", "minhash", 0.9), ("c", "a", "b", "minhash", 0.8), ("d", "a", "a", "exact", 1.0), ("f", "e", "e", "semantic", 0.7)]
    table = pa.Table.from_pylist([dict(zip(DUPLICATES.names, row, strict=True)) for row in rows], schema=DUPLICATES)
    assert clusters(pl.DataFrame(pl.from_arrow(table)).lazy()).rows() == [("a", 4, 1, 2, 0, 0.8), ("e", 2, 0, 0, 1, 0.7)]
    assert clusters(pl.DataFrame(pl.from_arrow(DUPLICATES.empty_table())).lazy()).rows() == []


def test_an_index_of_another_config_is_refused(tmp_path: Path) -> None:
    other = DedupConfig(minhash=MinHashConfig(num_buckets=2, seed=1), min_similarity=0.6)
    for name, config in [("own", CONFIG), ("other", other)]:
        (tmp_path / name).mkdir()
        write_index(_documents(["a"]), config, tmp_path / name)
    with pytest.raises(ValueError, match="made with another config"):
        find_duplicates(tmp_path / "own", [tmp_path / "other"], CONFIG)


def test_speeches_given_twice_are_found_in_real_text(shared_data: Path, tmp_path: Path) -> None:
    text = (shared_data / "tinyshakespeare" / "input.txt").read_text("utf-8")
    scenes = [text[start : start + 3000] for start in range(0, 90_000, 3000)]
    edited = [scene.replace("shall", "will").replace("\n", "\r\n") for scene in scenes[:10]]
    found = _find(tmp_path, scenes + edited, (30,))
    assert {row["id"]: row["kept_id"] for row in found} == {f"s/f#{30 + number}": f"s/f#{number}" for number in range(10)}
