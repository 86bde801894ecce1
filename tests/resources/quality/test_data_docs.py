"""Whoever writes Data Docs holds their folder alone and leaves no page as Great Expectations wrote it."""

import fcntl
from pathlib import Path

import pytest

from resources.quality.data_docs import KEPT_RUNS, data_docs_index, make_room, prepare_data_docs, writing
from resources.quality.data_docs_style import MARK

RAW = "<!DOCTYPE html>\n<html><body><script>\nalert(1)</script>text</body></html>"


def write_page(site: Path) -> Path:
    index = data_docs_index(site)
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(RAW)
    return index


def test_pages_of_a_run_are_rewritten(tmp_path: Path) -> None:
    with writing(tmp_path):
        index = write_page(tmp_path)
    assert index.read_text().startswith(MARK) and "alert" not in index.read_text()


def test_pages_of_a_run_that_failed_are_rewritten_too(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="mend the suite"), writing(tmp_path):
        index = write_page(tmp_path)
        raise RuntimeError("mend the suite")
    assert index.read_text().startswith(MARK)


def test_only_the_last_runs_of_the_suite_are_kept(tmp_path: Path) -> None:
    runs = [data_docs_index(tmp_path).parent / "validations" / suite / "__none__" / f"{n:02}" for suite in ("web", "wiki") for n in range(KEPT_RUNS)]
    for run in runs:
        run.mkdir(parents=True)
    make_room("web", tmp_path)
    assert [run for run in runs if not run.is_dir()] == [runs[0]]


def test_a_page_that_a_killed_writer_left_is_rewritten_before_it_is_served(tmp_path: Path) -> None:
    index = write_page(tmp_path)
    assert prepare_data_docs(tmp_path) == index.parent
    assert index.read_text().startswith(MARK)


def test_a_site_that_nothing_was_written_to_can_be_served(tmp_path: Path) -> None:
    assert prepare_data_docs(tmp_path / "new").is_dir()


def test_serving_does_not_wait_for_a_writer_nor_touch_its_pages(tmp_path: Path) -> None:
    index = write_page(tmp_path)
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prepare_data_docs(tmp_path)
    assert index.read_text() == RAW
