"""Journals: rows come back as they were, going back cuts off what came behind, and nothing is written twice."""

import math
from pathlib import Path

import pytest

from kernels.training.states.journal import Journal, Mark, fault_of_mark


def journal(folder: Path, *steps: int) -> Journal:
    made = Journal(folder / "rows.jsonl")
    made.append(*({"step": step} for step in steps))
    return made


def test_rows_come_back_bit_for_bit(tmp_path: Path) -> None:
    values = [0.1, 1 / 3, 5e-324, -0.0, math.inf, None]
    made = Journal(tmp_path / "rows.jsonl")
    made.append(*({"value": value, "name": "größe"} for value in values), {"value": math.nan})
    mark = made.mark()
    again = Journal(made.path)
    again.go_back(mark)
    assert [row["value"] for row in again.rows][:-1] == values and math.copysign(1, again.rows[3]["value"]) == -1
    assert math.isnan(again.rows[-1]["value"]) and again.rows[0]["name"] == "größe"


def test_rows_reach_the_disk_with_a_mark_and_each_is_written_once(tmp_path: Path) -> None:
    made = journal(tmp_path, 1, 2)
    assert not made.path.exists()
    first = made.mark()
    made.append({"step": 3})
    assert made.path.read_text() == '{"step": 1}\n{"step": 2}\n'
    second = made.mark()
    assert made.path.read_text() == '{"step": 1}\n{"step": 2}\n{"step": 3}\n'
    assert (first.num_bytes, second.num_bytes) == (24, 36)
    assert fault_of_mark(made.path, first) is None and fault_of_mark(made.path, second) is None


def test_what_goes_on_behind_a_mark_leaves_what_an_unbroken_journal_leaves(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "broken").mkdir()
    whole = journal(tmp_path / "whole", 1, 2, 3)
    end = whole.mark()
    broken = journal(tmp_path / "broken", 1, 2)
    mark = broken.mark()
    broken.append({"step": 9}, {"step": 10})
    broken.mark()
    resumed = Journal(broken.path)
    resumed.go_back(mark)
    resumed.append({"step": 3})
    assert resumed.mark() == end
    assert broken.path.read_bytes() == whole.path.read_bytes()


def test_a_journal_begun_anew_cuts_off_what_another_left_with_its_first_mark(tmp_path: Path) -> None:
    old = journal(tmp_path, 1, 2, 3).mark()
    anew = journal(tmp_path)
    assert fault_of_mark(anew.path, old) is None
    assert anew.mark().num_bytes == 0 and anew.path.read_bytes() == b""


def test_a_mark_of_no_rows_needs_no_file(tmp_path: Path) -> None:
    mark = journal(tmp_path).mark()
    assert mark.num_bytes == 0 and not (tmp_path / "rows.jsonl").exists()
    again = journal(tmp_path)
    again.go_back(mark)
    assert list(again.rows) == []


def test_a_journal_that_is_not_what_a_mark_knew_is_not_gone_back_to(tmp_path: Path) -> None:
    made = journal(tmp_path, 1)
    made.mark()
    with pytest.raises(ValueError, match=r"rows\.jsonl has 12 bytes where the state has 13; train anew"):
        made.go_back(Mark(13, ""))
