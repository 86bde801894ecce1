"""The warehouse: DuckDB over every table of a recipe, read from the lake's Parquet files where they lie, and able to do nothing else.

A query is untrusted: once the views stand, the connection may open those very files and no others, load no extension, and its settings are
locked; only statements that read are let through (a ``COPY`` could still overwrite a file that may be opened).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow.parquet as pq

from resources.storage.lake import Lake
from resources.storage.sources import standing_cells

CELLS = "CREATE TABLE cells (asset VARCHAR, partition VARCHAR, num_rows BIGINT, size_bytes BIGINT, made_at DOUBLE, seconds DOUBLE)"
UNREADABLE = "CREATE TABLE unreadable (asset VARCHAR, partition VARCHAR, file VARCHAR, reason VARCHAR)"
_READS = re.compile(r"\s*(?:select|from|with|values|table|pivot|unpivot|show|describe|summarize|\()", re.I)
_EXPLAIN = re.compile(r"\s*explain(?:\s+analyze)?\s+(?=\w)", re.I)


class NotARead(ValueError):
    """A statement would do something else than read."""


class _Part(NamedTuple):
    """One file of a view, and the partition that it is of."""

    path: Path
    partition: str


def open_warehouse(lake: Lake, recipe: str) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection with one view a table: ``corpus_filtered``, ``corpus_filtered_dropped``, ``evals_leaderboard_scores``...

    A table of the same name as its asset's last part, or ``documents``, takes the asset's name alone. Rows of partitioned assets have the
    column ``partition``. The table ``cells`` holds every manifest's figures, ``unreadable`` the files that are no Parquet (in no view).
    """
    spill = lake.cache / "sql"
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": str(spill),
    }
    connection = duckdb.connect(config=config)
    connection.execute(CELLS)
    connection.execute(UNREADABLE)
    views: dict[str, list[_Part]] = {}
    for cell in standing_cells(lake, recipe):
        manifest = lake.readable(cell)
        if manifest is None:
            continue  # mill plan and mill doctor name it
        folder, partition = lake.folder(cell), cell.partition or ""
        figures = (cell.asset, partition, manifest.num_rows or 0, manifest.size_bytes, manifest.made_at, manifest.seconds)
        connection.execute("INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?)", figures)
        for name in manifest.files:
            if not name.endswith(".parquet"):
                continue
            trouble = _trouble(folder / name)
            if trouble:
                connection.execute("INSERT INTO unreadable VALUES (?, ?, ?, ?)", (cell.asset, partition, str(folder / name), trouble))
            else:
                views.setdefault(_view_name(cell.asset, name.removesuffix(".parquet")), []).append(_Part(folder / name, partition))
    for view, parts in views.items():
        connection.execute(f'CREATE VIEW "{view}" AS {" UNION ALL BY NAME ".join(map(_select, parts))}')
    _lock(connection, [str(part.path) for parts in views.values() for part in parts])
    return connection


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    """Run a query that only reads and return its result.

    Raises:
        NotARead: a statement is none that reads, or there is none at all.
        duckdb.Error: DuckDB cannot run it.
    """
    statements = list(_statements(query))
    if not statements:
        raise NotARead("there is no statement; mill sql 'show tables' lists what there is")
    for text, kind in statements:
        if kind not in ("SELECT", "MULTI") or not _READS.match(text):
            raise NotARead(f"{text.strip()[:60]!r} does not read (it is a statement of the kind {kind}); mill sql only answers questions")
    return connection.execute(query)


def _statements(query: str) -> Iterator[tuple[str, str]]:
    """Yield text and kind of each statement; of an ``EXPLAIN``, those of what it explains."""
    for statement in duckdb.extract_statements(query):
        explained = _EXPLAIN.match(statement.query)
        if statement.type.name == "EXPLAIN" and explained:
            yield from _statements(statement.query[explained.end() :])
        else:
            yield statement.query, statement.type.name


def _lock(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> None:
    """Let a connection open some files and nothing else, for good."""
    connection.execute("SET allowed_paths = ?", [paths])
    for setting in ("python_enable_replacements = false", "enable_external_access = false", "lock_configuration = true"):
        connection.execute(f"SET {setting}")


def _trouble(path: Path) -> str:
    """Return why a file cannot be read as Parquet, empty where its footer can."""
    try:
        pq.read_schema(path)
    except Exception as error:  # whatever a reader says of a damaged file
        return f"{type(error).__name__}: {error}"
    return ""


def _select(part: _Part) -> str:
    return f"SELECT {_literal(part.partition)} AS partition, * FROM read_parquet({_literal(str(part.path))}, hive_partitioning = false)"


def _view_name(asset: str, table: str) -> str:
    base = re.sub(r"\W", "_", asset)
    table_part = re.sub(r"\W", "_", table)
    return base if table in ("documents", asset.rsplit("/", 1)[-1]) else f"{base}_{table_part}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
