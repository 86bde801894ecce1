"""The hashed n-gram classifier on two small vocabularies."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from kernels.curation.classifiers.hashed_ngrams import Classifier, ClassifierConfig, load, save, train
from kernels.curation.classifiers.measures import auc

CONFIG = ClassifierConfig(seed=1, bits=12, epochs=5, learning_rate=0.5, max_chars=200)
CALM = pl.Series([f"the calm river flows {number}" for number in range(100)])
CHEAP = pl.Series([f"buy cheap pills now {number}" for number in range(100)])


def examples(positives: pl.Series, negatives: pl.Series) -> pl.DataFrame:
    sides = (pl.DataFrame({"text": texts, "label": label}) for texts, label in ((positives, True), (negatives, False)))
    return pl.concat(sides).with_row_index("group")


def trained() -> Classifier:
    return train(examples(CALM, CHEAP), CONFIG)[0]


def test_unseen_texts_of_either_kind_fall_on_their_side_of_a_half() -> None:
    calm, cheap, _ = trained().scores(pl.Series(["A calm river", "CHEAP pills", ""]))
    assert calm > 0.5 > cheap


def test_the_report_is_of_texts_that_were_not_trained_on() -> None:
    _, report = train(examples(CALM, CHEAP), CONFIG)
    assert report.auc == 1
    assert (report.num_held_out, report.num_trained, report.num_repeated) == (40, 128, 0)


def test_texts_that_cannot_be_told_apart_are_at_chance() -> None:
    dice = np.random.default_rng(1)
    texts = pl.Series([" ".join(map(str, dice.integers(0, 50, 12))) for _ in range(2000)])
    assert 0.4 < train(examples(texts[:1000], texts[1000:]), CONFIG)[1].auc < 0.6


def test_texts_that_differ_in_case_and_space_alone_never_stand_on_both_sides_of_the_split() -> None:
    assert train(examples(pl.concat([CALM, CALM.str.to_uppercase() + " "]), CHEAP), CONFIG)[1].num_repeated >= 99


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    assert trained().weights.tobytes() == trained().weights.tobytes()
    assert trained().weights.tobytes() != train(examples(CALM, CHEAP), CONFIG.model_copy(update={"seed": 2}))[0].weights.tobytes()


def test_a_stored_classifier_scores_as_before(tmp_path: Path) -> None:
    classifier = trained()
    save(classifier, tmp_path)
    assert load(tmp_path).scores(CALM).tolist() == classifier.scores(CALM).tolist()
    assert load(tmp_path).threshold(0.3) == classifier.threshold(0.3)


def test_only_the_beginning_of_a_text_is_judged() -> None:
    first, second = trained().scores(pl.Series(["calm river " * 30, "calm river " * 30 + "cheap pills " * 1000]))
    assert first == second


def test_a_threshold_is_reached_by_its_share_of_the_raw_texts() -> None:
    classifier = trained()
    assert classifier.threshold(1) == classifier.quantiles[0]
    assert classifier.threshold(0.25) == pytest.approx(np.quantile(classifier.quantiles, 0.75), abs=1e-3)


def test_no_texts_have_no_scores() -> None:
    assert len(trained().scores(pl.Series([], dtype=pl.String))) == 0


def test_too_few_texts_are_an_error() -> None:
    with pytest.raises(ValueError, match="50 different texts of either class; there are 100 and 49"):
        train(examples(CALM, CHEAP[:49]), CONFIG)


def test_texts_of_a_group_are_held_out_together() -> None:
    """Each group has a word of its own that tells its label: it helps only who has seen the group."""
    dice = np.random.default_rng(1)
    rows = [{"text": f"word{group} {dice.integers(10**9)}", "label": bool(group % 2), "group": str(group)} for group in range(100) for _ in range(10)]
    frame = pl.DataFrame(rows)
    config = CONFIG.model_copy(update={"bits": 18})
    assert train(frame.drop("group").with_row_index("group"), config)[1].auc > 0.95
    assert train(frame, config)[1].auc < 0.75


def test_a_class_of_one_group_cannot_be_held_out_and_trained_on() -> None:
    frame = examples(CALM, CHEAP).with_columns(group=pl.col("label"))
    with pytest.raises(ValueError, match="of too few groups"):
        train(frame, CONFIG)


def test_auc_counts_ties_half_and_needs_both_classes() -> None:
    assert auc(np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, False, True, True])) == pytest.approx(0.875)
    with pytest.raises(ValueError, match="both classes"):
        auc(np.array([0.1]), np.array([True]))
