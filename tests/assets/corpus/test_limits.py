"""What curation of a source should look like: partitions outside are warned of."""

from pathlib import Path
from typing import Any

import pytest

from assets.corpus.documents import FILTERED_ASSET, SourceLimits
from assets.corpus.report import CURATION_ASSET, GroupLimits
from assets.corpus.suites import corpus_suites
from assets.models.checks import group_suite
from kernels.curation.group_mentions import compare_mentions
from kernels.documents.schema import document_table
from kernels.specs.sources import Document
from resources.storage.home import Home
from resources.storage.lake import Cell, Lake
from resources.storage.sources import ObservedFile, Partition, Registry, save_registry
from resources.storage.tables import write_table


def _publish(lake: Lake, number: int, metadata: dict[str, Any]) -> Cell:
    cell = Cell("r", FILTERED_ASSET, f"books.base.{number:03d}")
    with lake.draft(cell) as draft:
        write_table(draft.folder / "documents.parquet", document_table("books", "f", [Document("0", "some text")]))
        draft.metadata |= metadata
        draft.num_rows = 1
        lake.publish(draft, code_version="1", config={}, parents=[], seconds=0.0)
    return cell


def _failing(tmp_path: Path, limits: SourceLimits, *metadata: dict[str, Any]) -> dict[str, str]:
    """Return the limits that the last of some partitions fails, with the finding."""
    home = Home.resolve(tmp_path, {})
    lake = home.lake()
    files = [ObservedFile(path="f", size_bytes=1, modified="", digest="")]
    partitions = [Partition(key=f"books.base.{number:03d}", source="books", files=files) for number in range(len(metadata))]
    save_registry(lake, "r", Registry(partitions=partitions))
    cells = [_publish(lake, number, values) for number, values in enumerate(metadata)]
    (suite,) = [suite for suite in corpus_suites({"books": limits}) if suite.asset == FILTERED_ASSET]
    verdicts = suite.evaluate(lake, home, cells)[cells[-1]]
    assert not any(verdicts[name].blocking for name in ("keep_rate", "language_shares", "length_drift"))
    return {name: verdict.description for name, verdict in verdicts.items() if not verdict.passed}


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
    lake = home.lake()
    cell = Cell("r", CURATION_ASSET)
    with lake.draft(cell) as draft:
        table = compare_mentions({"women": 100, "jews": 5}, {"women": after, "jews": 0}, num_before=1000, num_after=500)
        write_table(draft.folder / "mentions.parquet", table.to_arrow())
        lake.publish(draft, code_version="1", config={}, parents=[], seconds=0.0)
    verdict = group_suite(GroupLimits(min_relative=0.5)).evaluate(lake, home, [cell])[cell]["no_group_is_erased"]
    assert (verdict.passed, verdict.blocking) == (passed, False)
    assert passed or "women: 100 documents before, 20 after, 0.40" in verdict.description
