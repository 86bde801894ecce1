import sqlite3
from contextlib import closing
from pathlib import Path

from dagster._core.storage.event_log import SqliteEventLogStorage

from pipelines.daemon.event_log import OpenEventLog


def _laid_out(path: Path) -> tuple[object, ...]:
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        return tables, database.execute("SELECT * FROM alembic_version").fetchall(), database.execute("PRAGMA journal_mode").fetchall()


def test_the_database_of_a_run_is_laid_out_as_dagster_does(tmp_path: Path) -> None:
    ours, dagsters = OpenEventLog(str(tmp_path / "ours")), SqliteEventLogStorage(str(tmp_path / "dagsters"))
    for log in (ours, dagsters):
        with log.run_connection("one"):
            pass
    assert _laid_out(tmp_path / "ours" / "one.db") == _laid_out(tmp_path / "dagsters" / "one.db")
    ours.dispose()


def test_a_database_that_a_killed_run_left_empty_gets_its_tables(tmp_path: Path) -> None:
    log = OpenEventLog(str(tmp_path))
    (tmp_path / "one.db").touch()
    with log.run_connection("one"):
        pass
    assert _laid_out(tmp_path / "one.db") == _laid_out(tmp_path / "index.db")
    log.dispose()
