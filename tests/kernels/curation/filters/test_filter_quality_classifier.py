"""Texts kept by what a classifier of two small vocabularies says of them."""

import random
from pathlib import Path

import polars as pl
import pytest

from kernels.curation.classifiers.hashed_ngrams import ClassifierConfig, load, save, train
from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters.quality_classifier import QualityClassifierConfig, apply
from kernels.specs.needs import TrainedClassifier

CALM = pl.Series([f"the calm river flows {number}" for number in range(100)])
NUMBERS = random.Random(1).sample(range(1000, 10_000), 1000)
CHEAP, UNSEEN = (pl.Series([f"buy cheap pills now {number}" for number in part]) for part in (NUMBERS[:600], NUMBERS[600:]))
SIDES = pl.DataFrame({"text": pl.concat([CALM, CHEAP]), "label": [True] * 100 + [False] * 600}).with_row_index("group")


@pytest.fixture(name="batch")
def batch_fixture(tmp_path: Path) -> TextBatch:
    save(train(SIDES, ClassifierConfig(seed=1, bits=12, epochs=5, learning_rate=0.5, max_chars=200))[0], tmp_path)
    return TextBatch(pl.concat([CALM, CHEAP]), {TrainedClassifier("good"): tmp_path})


def test_texts_unlike_the_reference_are_dropped_with_their_score(batch: TextBatch) -> None:
    outcome = apply(batch, QualityClassifierConfig(classifier="good", min_score=0.5))
    assert outcome.reason.to_list() == [None] * 100 + ["low_quality"] * 600
    assert outcome.value[100:].to_list() == outcome.tags["quality"][100:].to_list()
    assert outcome.tags["quality"].null_count() == 0


def test_a_keep_rate_keeps_about_that_share_of_raw_texts_not_seen_before(batch: TextBatch) -> None:
    outcome = apply(TextBatch(UNSEEN, batch.paths), QualityClassifierConfig(classifier="good", keep_rate=0.4))
    assert 0.25 * 400 <= outcome.reason.null_count() <= 0.55 * 400


def test_chance_keeps_some_texts_unlike_the_reference_and_the_same_in_any_order(batch: TextBatch) -> None:
    config = QualityClassifierConfig(classifier="good", pareto_alpha=2)
    reasons = apply(batch, config).reason.to_list()
    like, unlike = (sum(reason is None for reason in part) / len(part) for part in (reasons[:100], reasons[100:]))
    assert 0 < unlike < 0.5 < like
    assert apply(TextBatch(batch.text.reverse(), batch.paths), config).reason.to_list() == reasons[::-1]


def test_a_classifier_trained_anew_is_read_anew(batch: TextBatch) -> None:
    folder = batch.paths[TrainedClassifier("good")]
    before = load(folder)
    save(train(SIDES.with_columns(~pl.col("label")), ClassifierConfig(seed=1, bits=12, epochs=5, learning_rate=0.5, max_chars=200))[0], folder)
    assert load(folder) is not before


def test_a_missing_classifier_is_named() -> None:
    with pytest.raises(ValueError, match="'good' is not among"):
        apply(TextBatch(pl.Series(["a"])), QualityClassifierConfig(classifier="good", min_score=0.5))


@pytest.mark.parametrize("thresholds", [{}, {"keep_rate": 0.5, "min_score": 0.5}])
def test_one_threshold_is_given(thresholds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="one of keep_rate, min_score and pareto_alpha"):
        QualityClassifierConfig.model_validate({"classifier": "good", **thresholds})
