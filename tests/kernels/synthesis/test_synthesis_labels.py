import polars as pl
import pytest

from kernels.synthesis.labels import label, score_curation


def score(labels, kept, dropped=()):
    kept_frame = pl.DataFrame(list(kept.items()), schema=["id", "text"], orient="row", schema_overrides={"id": pl.String, "text": pl.String})
    dropped_frame = pl.DataFrame(list(dropped), schema={"id": pl.String, "reason": pl.String}, orient="row")
    table = score_curation(pl.DataFrame([each._asdict() for each in labels]), kept_frame, dropped_frame, "web")
    return {row["kind"]: row for row in table.to_dicts()}


TWINS = [label("a", "1", "clean"), label("b", "2", "exact_duplicate", "1"), label("b", "3", "near_duplicate", "1")]


def test_a_duplicate_in_another_file_is_handled_when_only_the_original_stays():
    table = score(TWINS, {"web/a#1": "x"})
    assert (table["exact_duplicate"]["handled"], table["near_duplicate"]["handled"]) == (1, 1)


def test_a_duplicate_that_stays_beside_its_original_is_missed():
    assert score(TWINS, {"web/a#1": "x", "web/b#2": "x"})["exact_duplicate"]["recall"] == 0.0


def test_either_twin_may_stay():
    assert score(TWINS, {"web/b#2": "x"})["exact_duplicate"]["recall"] == 1.0


def test_of_two_copies_that_stay_without_their_original_one_is_missed():
    table = score(TWINS, {"web/b#2": "x", "web/b#3": "x"})
    assert table["exact_duplicate"]["handled"] + table["near_duplicate"]["handled"] == 1


def test_personal_data_counts_values_that_are_gone_from_the_text():
    labels = [label("a", "1", "personal_data", values=["me@here.org", "23.1.2.3"])]
    row = score(labels, {"web/a#1": "write to <EMAIL> from 23.1.2.3"})["personal_data"]
    assert (row["planted"], row["handled"], row["recall"]) == (2, 1, 0.5)


@pytest.mark.parametrize("kind", ["boilerplate", "foreign"])
def test_what_should_go_is_handled_when_it_is_not_kept(kind):
    labels = [label("a", "1", kind), label("a", "2", kind)]
    assert score(labels, {"web/a#2": "x"})[kind]["recall"] == 0.5


def test_a_clean_record_that_stays_counts_as_handled():
    assert score([label("a", "1", "clean"), label("a", "2", "clean")], {"web/a#1": "x"})["clean"]["recall"] == 0.5


def test_precision_is_by_family_of_reasons():
    labels = [label("a", "1", "foreign"), label("a", "2", "clean"), label("a", "3", "boilerplate"), label("a", "4", "clean")]
    dropped = [("web/a#1", "language"), ("web/a#2", "language"), ("web/a#3", "no_text")]
    table = score(labels, {"web/a#4": "x"}, dropped)
    assert (table["foreign"]["precision"], table["boilerplate"]["precision"]) == (0.5, 1.0)
    assert table["all dropped"] == {"kind": "all dropped", "planted": 3, "handled": 2, "recall": None, "precision": pytest.approx(2 / 3)}


def test_an_original_dropped_as_a_duplicate_is_right_and_dropped_for_quality_is_wrong():
    assert score(TWINS, {}, [("web/a#1", "minhash")])["near_duplicate"]["precision"] == 1.0
    assert score(TWINS, {}, [("web/a#1", "gopher_top_2_gram")])["all dropped"]["precision"] == 0.0


def test_records_without_a_label_do_not_count_against_precision():
    assert score([label("a", "1", "clean")], {"web/a#1": "x"}, [("web/a#9", "language")])["all dropped"]["precision"] is None
