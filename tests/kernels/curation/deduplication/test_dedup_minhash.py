"""MinHash signatures: what they estimate, and that they stay the same."""

import numpy as np
import polars as pl
import pytest

from kernels.curation.deduplication.loops.minima import resemblance
from kernels.curation.deduplication.minhash import MAX_SHINGLES, MinHashConfig, band_hashes, bands_for, sign, signatures

CONFIG = MinHashConfig(num_buckets=14, hashes_per_bucket=8, seed=1)


def _pair(num_words: int, num_changed: int, seed: int) -> tuple[list[int], list[int]]:
    random = np.random.default_rng(seed)
    left = random.integers(0, 10**6, num_words)
    right = left.copy()
    right[random.choice(num_words, num_changed, replace=False)] = random.integers(10**6, 2 * 10**6, num_changed)
    return left.tolist(), right.tolist()


def _text(numbers: list[int]) -> str:
    return " ".join(f"w{number}" for number in numbers)


def _jaccard(left: list[int], right: list[int]) -> float:
    one, other = ({tuple(numbers[i : i + 5]) for i in range(len(numbers) - 4)} for numbers in (left, right))
    return len(one & other) / len(one | other)


def test_the_share_of_equal_hashes_estimates_jaccard_similarity_without_bias() -> None:
    pairs = [_pair(300, changed, changed) for changed in range(60)]
    texts = [_text(side) for pair in pairs for side in pair]
    signature = signatures(pl.Series(texts), CONFIG)
    errors = np.array([(signature[2 * i] == signature[2 * i + 1]).mean() - _jaccard(*pair) for i, pair in enumerate(pairs)])
    assert abs(errors.mean()) < 0.02
    assert errors.std() < 0.07


def test_unrelated_texts_share_next_to_nothing() -> None:
    signature = signatures(pl.Series([_text(_pair(500, 0, 1)[0]), _text(_pair(500, 0, 2)[0])]), CONFIG)
    assert (signature[0] == signature[1]).sum() <= 1


def test_signatures_do_not_depend_on_the_texts_around_them() -> None:
    texts = pl.Series([_text(_pair(count, 0, count)[0]) for count in (1, 3, 5, 40, 4000, 7)] + [""])
    together = signatures(texts, CONFIG)
    apart = np.concatenate([signatures(texts[i : i + 1], CONFIG) for i in range(len(texts))])
    assert np.array_equal(together, apart)


def test_a_text_shorter_than_a_shingle_equals_only_itself() -> None:
    signature = signatures(pl.Series(["one two", "One, two!", "one two three"]), CONFIG)
    assert np.array_equal(signature[0], signature[1])
    assert (signature[0] == signature[2]).sum() <= 1


def test_a_signature_stays_what_it_is_in_stored_tables() -> None:
    config = MinHashConfig(num_buckets=2, hashes_per_bucket=2, seed=7)
    signature = signatures(pl.Series(["the quick brown fox jumps over the lazy dog"]), config)
    assert signature.tolist() == [[489813118, 343194331, 2472721246, 2426500114]]
    assert band_hashes(signature, config).tolist() == [[2384391456096874841, 12839834709644937291]]


def test_the_seed_changes_the_permutations() -> None:
    texts = pl.Series(["the quick brown fox jumps over the lazy dog"])
    assert (signatures(texts, CONFIG) != signatures(texts, CONFIG.model_copy(update={"seed": 2}))).all()


def test_a_band_hash_is_equal_for_equal_bands_of_one_place_only() -> None:
    config = MinHashConfig(num_buckets=2, hashes_per_bucket=2, seed=1)
    bands = band_hashes(np.array([[1, 2, 1, 2], [1, 2, 3, 4], [2, 1, 3, 4]], np.uint32), config)
    assert bands[0, 0] == bands[1, 0] != bands[2, 0]
    assert bands[1, 1] == bands[2, 1] != bands[0, 1]
    assert bands[0, 0] != bands[0, 1]


def test_signatures_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="signatures of 4 hashes, but the config makes 112"):
        band_hashes(np.zeros((1, 4), np.uint32), CONFIG)


def _resemblance(left: str, right: str, max_shingles: int = MAX_SHINGLES) -> float:
    sets = sign(pl.Series([left, right]), CONFIG).shingles
    one, other = (sets.take(np.array([row])).values[:max_shingles] for row in (0, 1))
    return resemblance(one, other, max_shingles, 0.0)


@pytest.mark.parametrize("changed", [0, 1, 7, 40])
def test_shingles_tell_the_similarity_exactly(changed: int) -> None:
    left, right = _pair(300, changed, 3)
    assert _resemblance(_text(left), _text(right)) == _jaccard(left, right)


def test_a_similarity_below_the_least_that_is_asked_is_none() -> None:
    left, right = (np.array(values, np.uint32) for values in ([1, 2, 3, 4, 6], [1, 2, 3, 4, 5]))
    assert [resemblance(left, right, MAX_SHINGLES, least) for least in (0.0, 0.5, 4 / 6, 0.67, 1.0)] == [4 / 6, 4 / 6, 4 / 6, 0, 0]
    assert resemblance(left, left, MAX_SHINGLES, 1.0) == 1
    assert resemblance(left[:0], left[:0], MAX_SHINGLES, 0.5) == 0, "two texts without any word are no near duplicates"


def test_of_texts_longer_than_what_is_kept_the_lowest_shingles_estimate_it() -> None:
    pairs = [_pair(2000, 90, seed) for seed in range(12)]
    errors = [_resemblance(_text(left), _text(right), 256) - _jaccard(left, right) for left, right in pairs]
    assert abs(np.mean(errors)) < 0.02
    assert 0 < np.std(errors) < 0.05


def test_shingles_are_distinct_ordered_and_bounded() -> None:
    shingles = sign(pl.Series(["ha " * 500, "", _text(_pair(9000, 0, 1)[0]), "one"]), CONFIG).shingles
    assert np.diff(shingles.offsets).tolist() == [1, 0, MAX_SHINGLES, 1]
    assert (np.diff(shingles.values[1 : 1 + MAX_SHINGLES].astype(np.int64)) > 0).all()
    assert shingles.take(np.array([3, 0])).values.tolist() == [shingles.values[-1], shingles.values[0]]


def test_rows_that_the_table_cannot_tell_stand_in_their_place() -> None:
    texts = ["one two three", "\u039f\u03a3 \u03a3\u0391 + 1", "four five six", "\u0130 7", "eight"]
    together, apart = sign(pl.Series(texts), CONFIG), [sign(pl.Series([text]), CONFIG) for text in texts]
    assert together.exact.tolist() == [int(one.exact[0]) for one in apart]
    assert together.shingles.values.tolist() == [value for one in apart for value in one.shingles.values.tolist()]


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_bands_find_pairs_of_the_similarity_asked(similarity: float) -> None:
    num_buckets, hashes_per_bucket = bands_for(similarity)
    config = MinHashConfig(num_buckets=num_buckets, hashes_per_bucket=hashes_per_bucket, seed=1)
    assert config.num_hashes <= 128
    assert config.chance(similarity) >= 0.99
