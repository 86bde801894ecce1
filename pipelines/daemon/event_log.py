"""Dagster's SQLite storage, for runs in this process, with databases that stay open.

Dagster's own opens, syncs and closes a database for each event, of which a run has hundreds: more work than many cells are. The files are
the same, and every event is in them before the next one is taken, so that the UI beside it sees each, and a kill loses none. Only a machine that
loses power may lose the last ones, which are mirrored anew from the lake (assets/orchestration/mirror.py).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

BUSY_SECONDS = 60
"""How long a database that another process writes is waited for."""
MAX_OPEN = 8
"""Databases that stay open: one a run, and the index of all."""


class OpenEventLog(SqliteEventLogStorage):
    """Dagster's event log in files that stay open."""

    def __init__(self, base_dir: str) -> None:
        """Open the log below a folder."""
        self._engines: dict[str, Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engines.get(shard) or self._open(shard)
            with engine.begin() as connection:
                yield connection

    def _open(self, shard: str) -> Engine:
        if len(self._engines) == MAX_OPEN:
            self._close()
        engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _trust_the_system)
        path, index = Path(self.path_for_shard(shard)), Path(self.path_for_shard(INDEX_SHARD_NAME))
        if index.exists() and not path.exists():
            _lay_out(path, index)
        else:
            self._initdb(engine)
        self._engines[shard] = engine
        return engine

    def has_table(self, table_name: str) -> bool:
        """Return whether the index has a table; those that it has stay."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    def dispose(self) -> None:
        """Close the files."""
        self._close()
        super().dispose()


def _trust_the_system(connection: Any, record: object) -> None:
    """Leave it to the system when what was written reaches the disk, as a log that is written ahead may."""
    connection.execute("PRAGMA synchronous=NORMAL")


def _lay_out(path: Path, index: Path) -> None:
    """Make the empty tables of a run's database, which are those of the index: Dagster's own way takes a tenth of a second."""
    with closing(sqlite3.connect(index)) as laid_out, closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)) as new:
        tables = laid_out.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'").fetchall()
        versions = laid_out.execute("SELECT version_num FROM alembic_version").fetchall()
        new.execute("PRAGMA journal_mode=WAL")
        new.execute("BEGIN")
        for (statement,) in tables:
            new.execute(statement)
        new.executemany("INSERT INTO alembic_version VALUES (?)", versions)
        new.execute("COMMIT")


class OpenStorage(DagsterSqliteStorage):
    """Dagster's storage, its event log kept open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the storage below a folder."""
        super().__init__(base_dir, inst_data)
        own = self._event_log_storage
        self._event_log_storage = OpenEventLog(str(Path(own.path_for_shard("index")).parent))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """Return the storage that an instance's configuration asks for."""
        return cls.from_local(inst_data=inst_data, **config_value)
