"""A command that fails says one line with the remedy; what nobody foresaw keeps its traceback in a file."""

import errno
import os
import re
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy.exc

from pipelines.recipe.yaml_source import read_yaml
from pipelines.terminal.complaints import complaint
from resources.storage.faults import is_disk_full

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/x")
KNOWN = {
    "a full disk": (FULL, "No space left on device: '/data/x': the disk is full; free space"),
    "a full disk under the event log": (sqlalchemy.exc.OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")), "free space"),  # noqa: E501
    "a read-only file system": (OSError(errno.EROFS, "Read-only file system", "/data/x"), "set MILL_HOME"),
    "a read-only event log": (sqlite3.OperationalError("attempt to write a readonly database"), "it may not be written to"),
    "a folder of another's": (PermissionError(errno.EACCES, "Permission denied", "/data/x"), "not permitted; change its owner or mode"),
    "a port that is taken": (OSError(errno.EADDRINUSE, "Address already in use"), "the port is taken; choose another"),
    "a store that is down": (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "check its address"),
    "a bucket that is not there": (FileNotFoundError("The specified bucket does not exist"), "make the bucket, or correct its name"),
    "a file where a folder belongs": (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/data/x"), "a folder is needed"),
    "no memory": (MemoryError(), "make partitions smaller"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KNOWN)
def test_a_fault_of_the_machine_is_one_line_with_the_remedy(kind: str) -> None:
    error, remedy = KNOWN[kind]
    told = complaint(error)
    assert remedy in told and "\n" not in told and "Traceback" not in told


def test_a_fault_is_known_by_what_it_comes_from() -> None:
    error = RuntimeError("step failed")
    error.__cause__ = FULL
    assert "the disk is full" in complaint(error) and is_disk_full(error)
    assert not is_disk_full(ValueError("full of errors"))


def test_what_our_own_code_says_is_said_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such recipe file") as caught:
        read_yaml(tmp_path / "none.yaml")
    assert complaint(caught.value) == f"{tmp_path}/none.yaml: no such recipe file"


def test_what_nobody_foresaw_keeps_its_traceback_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        int("seven")
    except ValueError as error:
        told = complaint(error)
    found = re.fullmatch(r"ValueError: invalid literal .*: this was not foreseen; its traceback is in (.*)", told)
    assert found is not None and 'int("seven")' in Path(found[1]).read_text()


def test_where_no_file_can_be_kept_the_traceback_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/at/all")
    try:
        int("seven")
    except ValueError as error:
        assert "Traceback" in complaint(error)
