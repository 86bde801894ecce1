"""Texts told toxic by a classifier of two small vocabularies."""

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from kernels.curation.classifiers.hashed_ngrams import ClassifierConfig, save, train
from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters.toxicity_classifier import ToxicityClassifierConfig, apply
from kernels.specs.needs import TrainedClassifier

NUMBERS = random.Random(1).sample(range(1000, 10_000), 1200)
EXAMPLES = pl.DataFrame(
    [{"text": f"{words} {number}", "label": words == "vile scum", "group": number} for number in NUMBERS[:400] for words in ("vile scum", "kind day")]
)


@pytest.fixture(name="files", scope="module")
def files_fixture(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("mean")
    save(train(EXAMPLES, ClassifierConfig(seed=1, bits=12, epochs=5, learning_rate=0.5, max_chars=60))[0], folder)
    return {TrainedClassifier("mean"): folder}


def config(**settings: Any) -> ToxicityClassifierConfig:
    return ToxicityClassifierConfig.model_validate({"classifier": "mean", "unit": "text", "max_score": 0.5, "action": "drop"} | settings)


def reasons(texts: list[str], files: dict[str, Path], **settings: Any) -> list[str | None]:
    return apply(TextBatch(pl.Series(texts, dtype=pl.String), files), config(**settings)).reason.to_list()


def test_a_toxic_text_is_dropped_with_its_score(files: dict[str, Path]) -> None:
    outcome = apply(TextBatch(pl.Series(["kind day 7", "vile scum 7"]), files), config())
    assert outcome.reason.to_list() == [None, "toxic"]
    assert outcome.value.to_list() == [None, outcome.tags["toxicity"][1]]
    assert outcome.tags["toxicity"][0] < 0.5 < outcome.tags["toxicity"][1]


def test_a_text_that_is_only_tagged_is_kept(files: dict[str, Path]) -> None:
    assert reasons(["vile scum 7"], files, action="tag") == [None]


def test_one_toxic_line_is_seen_where_lines_are_judged(files: dict[str, Path]) -> None:
    text = "kind day 1\n\n" * 20 + "vile scum 7\n" + "kind day 2"
    assert reasons([text, "kind day 3", ""], files, unit="line") == ["toxic", None, None]
    assert reasons([text], files) == [None]
    assert reasons([], files, unit="line") == []


def test_blank_text_is_not_toxic(files: dict[str, Path]) -> None:
    assert apply(TextBatch(pl.Series(["", " \n"]), files), config(unit="line", max_score=0)).tags["toxicity"].to_list() == [0, 0]


def test_a_threshold_by_false_alarms_lies_above_that_share_of_the_other_side(files: dict[str, Path]) -> None:
    texts = [f"kind day {number}" for number in NUMBERS[400:]]
    flagged = sum(reason is not None for reason in reasons(texts, files, max_score=None, false_alarms=0.2))
    assert 0.1 < flagged / len(texts) < 0.35


@pytest.mark.parametrize("thresholds", [{"max_score": None}, {"false_alarms": 0.5}])
def test_one_threshold_is_given(thresholds: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="one of max_score and false_alarms"):
        config(**thresholds)
