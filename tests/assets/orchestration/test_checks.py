"""What a failing check says at first sight."""

import dagster as dg

from assets.graph.checks import Check
from assets.orchestration.checks import check_result
from resources.storage.manifest import Cell, Verdict

KEY = dg.AssetKey(["r", "corpus", "filtered"])
CHECK = Check("text_is_not_empty", "Every document has text.", True, "1")


def verdict(num_bad: int) -> Verdict:
    description = f"{num_bad} of 10 rows fail: row 3" if num_bad else "10 rows, all good"
    return Verdict(
        content="c", version="1", passed=not num_bad, blocking=True, description=description, metadata={"num_rows": 10, "num_bad": num_bad}
    )


def result(*num_bad: int) -> dg.AssetCheckResult:
    verdicts = {Cell("r", "corpus/filtered", f"books.base.{number:03d}"): verdict(bad) for number, bad in enumerate(num_bad)}
    return check_result(KEY, CHECK, verdicts, {}, len(verdicts), "http://127.0.0.1:3001")


def test_the_headline_counts_what_fails_and_names_the_first_partition_what_was_measured_and_the_limit() -> None:
    found = result(0, 2, 1)
    assert found.description == "2 of 3 cells fail; first books.base.001: 2 of 10 rows fail: row 3"
    assert not found.passed and found.severity == dg.AssetCheckSeverity.ERROR


def test_the_table_of_failures_comes_first_and_numbers_are_added_up() -> None:
    found = result(0, 2, 1).metadata
    assert next(iter(found)) == "failing"
    assert (found["num_failing"].value, found["num_rows"].value, found["num_bad"].value) == (2, 30, 3)
    assert found["mill"].value == "mill show 'corpus/filtered[books.base.001]'"


def test_of_many_failures_as_many_whole_rows_are_shown_as_there_is_room_for() -> None:
    table = str(result(*[1] * 100).metadata["failing"].value)
    assert len(table) < 4000
    assert table.rstrip().endswith("more") and "books.base.000" in table


def test_where_nothing_fails_it_says_so() -> None:
    assert result(0, 0).description == "all 2 cells pass"
