"""Which documents a classifier learns from."""

import json
from typing import Any

import polars as pl
import pytest

from assets.corpus.classifiers import TrainingConfig, examples
from kernels.curation.classifiers.hashed_ngrams import train
from tests.locations import SHARED_DATA

HATECHECK = SHARED_DATA / "hatecheck" / "test_suite_cases.csv"
SETTINGS: dict[str, Any] = {
    "positive": ["cases"], "negative": ["cases"], "partitions_per_source": 1, "max_documents": 10_000,
    "seed": 1, "max_chars": 400, "epochs": 5, "learning_rate": 0.3,
}  # fmt: skip
LABELLED = {"labels": {"field": "gold label", "positive": ["hateful"], "negative": ["not", "0"]}, "group_field": "template"}


def documents(rows: list[dict[str, Any]]) -> pl.DataFrame:
    table = [{"id": str(number), "text": row.pop("text"), "metadata": json.dumps(row)} for number, row in enumerate(rows)]
    return pl.DataFrame(table, schema={"id": pl.String, "text": pl.String, "metadata": pl.String})


def test_labels_choose_the_documents_of_a_side_and_leave_out_what_they_do_not_name() -> None:
    config = TrainingConfig.model_validate(SETTINGS | LABELLED)
    table = documents(
        [
            {"text": "a", "gold label": "hateful", "template": 1},
            {"text": "b", "gold label": "not", "template": 1},
            {"text": "c", "gold label": 0, "template": 2},
            {"text": "d", "gold label": "unsure", "template": 2},
            {"text": "e"},
        ]
    )
    assert examples(table, config, True).rows() == [("a", True, "1")]
    assert examples(table, config, False).rows() == [("b", False, "1"), ("c", False, "2")]


def test_without_labels_all_documents_count_and_stand_for_themselves() -> None:
    config = TrainingConfig.model_validate(SETTINGS | {"max_chars": 3})
    assert examples(documents([{"text": "abcdef"}, {"text": "b"}]), config, True).rows() == [("abc", True, "0"), ("b", True, "1")]


def test_a_document_without_the_group_field_is_a_group_of_its_own() -> None:
    config = TrainingConfig.model_validate(SETTINGS | {"group_field": "template"})
    assert examples(documents([{"text": "a", "template": "t"}, {"text": "b"}]), config, True)["group"].to_list() == ["t", "1"]


@pytest.mark.parametrize("field", ["o'clock", "back\\slash", ""])
def test_a_field_name_that_could_not_be_looked_for_is_an_error(field: str) -> None:
    with pytest.raises(ValueError, match="group_field"):
        TrainingConfig.model_validate(SETTINGS | {"group_field": field})


def test_hate_is_told_in_sentences_of_templates_never_seen() -> None:
    if not HATECHECK.is_file():
        pytest.skip(f"no real data at {HATECHECK}")
    cases = pl.read_csv(HATECHECK).with_columns(source=pl.coalesce("ref_templ_id", "templ_id"))
    rows = cases.select(text="test_case", label="label_gold", source="source").to_dicts()
    labels = {"field": "label", "positive": ["hateful"], "negative": ["non-hateful"]}
    config = TrainingConfig.model_validate(SETTINGS | {"labels": labels, "group_field": "source"})
    table = documents(rows)
    _, report = train(pl.concat(examples(table, config, side) for side in (True, False)), config)
    assert report.auc > 0.7
    assert report.num_held_out > 500
