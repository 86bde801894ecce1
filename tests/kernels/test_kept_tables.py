"""Tables that follow from code and packages are worked out once, and again where what is kept of them cannot be read."""

from pathlib import Path

import numpy as np
import pytest

from kernels.specs.kept_tables import Tables, kept_tables

CALLS: list[str] = []


def squares() -> Tables:
    CALLS.append("squares")
    return {"squares": np.arange(4) ** 2}


@pytest.fixture(autouse=True)
def nothing_called() -> None:
    CALLS.clear()


def kept(folder: Path) -> list[int]:
    return kept_tables(squares, ("numpy",), folder)["squares"].tolist()


def test_tables_are_worked_out_once(tmp_path: Path) -> None:
    assert kept(tmp_path / "kept") == kept(tmp_path / "kept") == [0, 1, 4, 9]
    assert CALLS == ["squares"]
    assert len(list((tmp_path / "kept").iterdir())) == 1


@pytest.mark.parametrize("left", [b"", b"PK", b"no archive"])
def test_a_file_that_is_not_whole_is_written_anew(tmp_path: Path, left: bytes) -> None:
    kept(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(left)
    assert kept(tmp_path) == kept(tmp_path) == [0, 1, 4, 9]
    assert CALLS == ["squares"] * 2


def test_where_nothing_can_be_kept_they_are_worked_out_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert kept(tmp_path / "file") == kept(tmp_path / "file") == [0, 1, 4, 9]
    assert CALLS == ["squares"] * 2
