import os
import signal
import sys
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pyarrow as pa
import pytest

from resources.quality import judge
from resources.quality.data_docs import data_docs_index, pages_at_the_end
from resources.quality.expectations import Expectation, validate

ROWS = pa.table({"partition": ["a", "a", "b"], "id": ["1", "2", "3"], "text": ["good", "", "good"]})
NOT_EMPTY = Expectation(
    name="not_empty", description="Text.", type="expect_column_value_lengths_to_be_between", kwargs={"column": "text", "min_value": 1}
)


def _judged(site: Path, expectation: Expectation = NOT_EMPTY) -> dict[str, tuple[bool, int]]:
    findings = validate("rows", ROWS.slice(0, 3), [expectation], partition_column="partition", example_columns=["id"], site=site)
    return {partition: (found["not_empty"].passed, found["not_empty"].num_bad) for partition, found in findings.items()}


def test_rows_are_judged_in_a_process_apart_as_in_this_one(tmp_path: Path) -> None:
    with judge.apart(), pages_at_the_end():
        assert judge.call(os.getpid) != os.getpid()
        apart = _judged(tmp_path / "apart")
    assert apart == _judged(tmp_path / "here") == {"a": (False, 1), "b": (True, 0)}
    assert data_docs_index(tmp_path / "apart").exists()
    assert judge.call(os.getpid) == os.getpid()


def test_a_fault_of_a_suite_is_raised_where_it_was_asked_for(tmp_path: Path) -> None:
    wrong = Expectation(name="not_empty", description="Text.", type="expect_column_values_to_not_be_null", kwargs={"column": "none"})
    with judge.apart():
        with pytest.raises(RuntimeError, match=r"suite rows, expectation not_empty: .*none.*; mend the suite"):
            _judged(tmp_path, wrong)
        assert _judged(tmp_path) == {"a": (False, 1), "b": (True, 0)}


def test_what_was_begun_is_waited_for_and_says_what_it_raised() -> None:
    with judge.apart():
        judge.begin(int, "no number")
        with pytest.raises(ValueError, match="no number"):
            judge.call(os.getpid)
        judge.begin(int, "1")
        judge.end()
        assert judge.call(int, "2") == 2
    with pytest.raises(ValueError, match="no number"):
        judge.begin(int, "no number")


def test_a_process_that_is_gone_is_said_to_be() -> None:
    with judge.apart():
        os.kill(judge.call(os.getpid), signal.SIGKILL)
        with pytest.raises(RuntimeError, match="the process that judges rows ended with -9"):
            judge.call(os.getpid)


def test_only_the_rows_of_a_slice_are_sent() -> None:
    whole = pa.table({"text": ["x" * 100] * 10_000})
    assert len(ForkingPickler.dumps(whole.slice(5, 2))) < 2_000


def test_what_is_needed_later_is_imported_while_an_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this_is_no_module", raising=False)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with judge.apart(["this_is_no_module", "colorsys"]):
        assert judge.call(os.getpid) > 0
    assert "colorsys" in sys.modules


def test_a_module_whose_import_fails_is_not_taken_for_the_end_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "on_a_full_disk.py").write_text("raise OSError(28, 'No space left on device')")
    monkeypatch.syspath_prepend(tmp_path)
    with judge.apart(["on_a_full_disk"]):
        assert judge.call(int, "2") == 2
