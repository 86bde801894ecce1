"""What curation of a source should look like: partitions outside are warned of."""

from pathlib import Path
from typing import Any

import pytest

from assets.corpus.documents import SourceLimits
from assets.corpus.names import FILTERED, REPORT
from assets.corpus.report import GroupLimits
from assets.corpus.report_checks import group_suite
from assets.corpus.suites import corpus_suites
from assets.graph.artifact import SHARDS
from kernels.curation.group_mentions import compare_mentions
from kernels.documents.schema import document_table
from kernels.specs.sources import Document
from resources.storage.home import Home
from resources.storage.manifest import Cell
from tests.small_graphs import artifact, graph_of, judging, observed, put_cell

FILTERED_CELLS = artifact(FILTERED, lambda build: None, partitioning=SHARDS)


def _failing(tmp_path: Path, limits: SourceLimits, *metadata: dict[str, Any]) -> dict[str, str]:
    """Return the limits that the last of some partitions fails, with the finding."""
    home = Home.resolve(tmp_path, {})
    keys = [f"books.base.{number:03d}" for number in range(len(metadata))]
    cells = [Cell("r", FILTERED, key) for key in keys]
    table = document_table("books", "f", [Document("0", "some text")])
    for cell, values in zip(cells, metadata, strict=True):
        put_cell(home.lake(), cell, metadata=values, num_rows=1, documents=table)
    suites = [suite for suite in corpus_suites({"books": limits}) if suite.name == "limits_suite"]
    assert not any(check.blocking for suite in suites for check in suite.checks)
    view = judging(home, graph_of(FILTERED_CELLS), observed(*keys))
    findings = {name: finding for suite in suites for name, finding in suite.evaluate(view, cells)[cells[-1]].items()}
    return {name: finding.description for name, finding in findings.items() if not finding.passed}


def test_a_keep_rate_outside_its_band_is_warned_of_with_the_rate(tmp_path: Path) -> None:
    failing = _failing(tmp_path, SourceLimits(keep_rate=(0.5, 0.9)), {"keep_rate": 0.4})
    assert set(failing) == {"keep_rate"} and "keep_rate 0.4" in failing["keep_rate"]


def test_a_language_below_its_share_is_warned_of(tmp_path: Path) -> None:
    limits = SourceLimits(language_shares={"en": 0.9, "vi": 0.1})
    failing = _failing(tmp_path, limits, {"keep_rate": 1.0, "language_shares": {"en": 0.95, "vi": 0.05}})
    assert set(failing) == {"language_shares"} and "share of vi 0.05" in failing["language_shares"]


@pytest.mark.parametrize(("median", "fails"), [(130.0, True), (115.0, False)])
def test_lengths_are_held_against_the_partition_before(median: float, fails: bool, tmp_path: Path) -> None:
    old, new = ({"keep_rate": 1.0, "length_quantiles": {"p5": 10.0, "p50": value, "p95": 900.0}} for value in (100.0, median))
    assert ("length_drift" in _failing(tmp_path, SourceLimits(max_length_drift=0.2), old, new)) is fails


def test_nothing_asked_nothing_warned_of(tmp_path: Path) -> None:
    assert _failing(tmp_path, SourceLimits(), {"keep_rate": 0.0}) == {}


@pytest.mark.parametrize(("after", "passed"), [(45, True), (20, False)])
def test_a_group_that_curation_erases_is_warned_of(after: int, passed: bool, tmp_path: Path) -> None:
    home = Home.resolve(tmp_path, {})
    cell = Cell("r", REPORT)
    table = compare_mentions({"women": 100, "jews": 5}, {"women": after, "jews": 0}, num_before=1000, num_after=500)
    put_cell(home.lake(), cell, mentions=table.to_arrow())
    suite = group_suite(GroupLimits(min_relative=0.5))
    finding = suite.evaluate(judging(home, graph_of(artifact(REPORT, lambda build: None)), observed()), [cell])[cell]["no_group_is_erased"]
    assert (finding.passed, suite.checks[0].blocking) == (passed, False)
    assert passed or "women: 100 documents before, 20 after, 0.40" in finding.description
