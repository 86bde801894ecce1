"""Great Expectations judges the rows of many partitions at once; findings come back by partition and row."""

import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pyarrow as pa
import pytest

from resources.quality.data_docs import data_docs_index, pages_at_the_end
from resources.quality.docs_server import serve
from resources.quality.expectations import MAX_EXAMPLES, Expectation, Finding, validate
from tests.locations import PROJECT

IDS = Expectation(
    name="ids_are_unique", description="No id twice.", type="expect_compound_columns_to_be_unique", kwargs={"column_list": ["partition", "id"]}
)
TEXTS = Expectation(
    name="text_is_not_empty", description="Text.", type="expect_column_values_to_match_regex", kwargs={"column": "text", "regex": r"\S"}
)
HALF = Expectation(
    name="half_is_lower", description="Half.", type="expect_column_values_to_match_regex", kwargs={"column": "text", "regex": "^[a-z ]*$"},
    max_bad_share=0.5,
)  # fmt: skip


def rows(**partitions: list[tuple[str, str]]) -> pa.Table:
    """Return a table of (id, text) pairs by partition, in the order given."""
    return pa.Table.from_pylist([{"partition": name, "id": key, "text": text} for name, pairs in partitions.items() for key, text in pairs])


MIXED = rows(
    good=[("1", "one"), ("2", "two")],
    bad=[("1", "one"), ("2", "  "), ("3", "drei"), ("3", "vier"), ("5", "")],
    loud=[("1", "ONE"), ("2", "two"), ("3", "THREE")],
)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Finding]], Path]:
    """One validation that several tests read."""
    site = tmp_path_factory.mktemp("data_docs")
    return validate("planted", MIXED, [IDS, TEXTS, HALF], partition_column="partition", example_columns=["id", "text"], site=site), site


@pytest.fixture(scope="module")
def findings(judged: tuple[dict[str, dict[str, Finding]], Path]) -> dict[str, dict[str, Finding]]:
    return judged[0]


def test_a_good_partition_passes_beside_bad_ones(findings: dict[str, dict[str, Finding]]) -> None:
    assert findings["good"] == {name: Finding(True, 2, 0, []) for name in ("ids_are_unique", "text_is_not_empty", "half_is_lower")}


def test_bad_rows_are_laid_to_their_partition_and_counted_from_its_first_row(findings: dict[str, dict[str, Finding]]) -> None:
    assert findings["bad"]["text_is_not_empty"] == Finding(False, 5, 2, [{"row": "1", "id": "2", "text": "  "}, {"row": "4", "id": "5"}])
    assert [finding["text_is_not_empty"].passed for finding in findings.values()] == [True, False, True]


def test_every_row_of_a_repeated_id_is_named_and_the_same_id_elsewhere_is_no_fault(findings: dict[str, dict[str, Finding]]) -> None:
    assert findings["bad"]["ids_are_unique"] == Finding(
        False, 5, 2, [{"row": "2", "id": "3", "text": "drei"}, {"row": "3", "id": "3", "text": "vier"}]
    )
    assert findings["loud"]["ids_are_unique"].passed


def test_a_share_of_bad_rows_may_be_allowed(findings: dict[str, dict[str, Finding]]) -> None:
    assert (findings["loud"]["half_is_lower"].num_bad, findings["loud"]["half_is_lower"].passed) == (2, False)
    assert (findings["bad"]["half_is_lower"].num_bad, findings["bad"]["half_is_lower"].passed) == (0, True)


def test_a_share_at_its_limit_passes(tmp_path: Path) -> None:
    found = validate("limit", rows(edge=[("1", "A"), ("2", "b")]), [HALF], partition_column="partition", example_columns=["id"], site=tmp_path)
    assert found == {"edge": {"half_is_lower": Finding(True, 2, 1, [{"row": "0", "id": "1"}])}}


def test_rows_of_partitions_may_lie_between_each_other_and_in_chunks_and_only_some_are_shown(tmp_path: Path) -> None:
    table = pa.concat_tables([rows(even=[(str(n), "")], odd=[(str(n), "x")]) for n in range(MAX_EXAMPLES + 2)])
    found = validate("between", table, [TEXTS], partition_column="partition", example_columns=["id"], site=tmp_path)
    assert found["even"]["text_is_not_empty"].num_bad == MAX_EXAMPLES + 2
    assert [example["row"] for example in found["even"]["text_is_not_empty"].examples] == [str(n) for n in range(MAX_EXAMPLES)]
    assert found["odd"]["text_is_not_empty"].passed


def test_a_table_without_rows_has_no_findings(tmp_path: Path) -> None:
    assert validate("none", MIXED.slice(0, 0), [TEXTS], partition_column="partition", example_columns=["id"], site=tmp_path) == {}


def test_an_expectation_about_a_column_that_is_not_there_is_a_fault_of_the_suite(tmp_path: Path) -> None:
    absent = Expectation(name="titles", description="Titles.", type="expect_column_values_to_match_regex", kwargs={"column": "title", "regex": "."})
    with pytest.raises(RuntimeError, match=r"suite absent, expectation titles: .*title.*; mend the suite"):
        validate("absent", MIXED, [absent], partition_column="partition", example_columns=["id"], site=tmp_path)


def test_suites_that_judge_in_a_row_get_their_pages_together(tmp_path: Path) -> None:
    pages = data_docs_index(tmp_path).parent / "validations"
    with pages_at_the_end():
        for suite in ("one", "two"):
            validate(suite, MIXED, [TEXTS], partition_column="partition", example_columns=["id"], site=tmp_path)
        assert not pages.exists()
    assert sorted(page.relative_to(pages).parts[0] for page in pages.rglob("*.html")) == ["one", "two"]
    assert all(f">{suite}<" in data_docs_index(tmp_path).read_text() for suite in ("one", "two"))


def test_importing_great_expectations_leaves_out_what_is_not_needed() -> None:
    code = (
        "import sys; from resources.quality.loading import load; load(); assert 'scipy.stats._stats_py' not in sys.modules; "
        "import scipy.stats; assert scipy.stats.norm.cdf(0) == 0.5"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)


def test_data_docs_are_made_and_served(judged: tuple[dict[str, dict[str, Finding]], Path]) -> None:
    index = data_docs_index(judged[1])
    pages = [path for path in index.parent.joinpath("validations", "planted").rglob("*.html") if "Text." in path.read_text()]
    assert len(pages) == 1
    server = serve(index.parent, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/index.html", timeout=5) as response:
            assert "planted" in response.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
