"""SQL over a lake: one view a table, the partition as a column."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from resources.storage.warehouse import open_warehouse
from tests.small_graphs import put_cell


def put(lake: Lake, cell: Cell, **tables: pa.Table) -> None:
    put_cell(lake, cell, num_rows=next(iter(tables.values())).num_rows, **tables)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake's", tmp_path / "cache")
    for number in range(2):
        cell = Cell("small", "corpus/filtered", f"books.base.00{number}")
        put(lake, cell, documents=pa.table({"id": [f"{number}a", f"{number}b"]}), dropped=pa.table({"reason": ["short"]}))
    put(lake, Cell("small", "evals/leaderboard"), leaderboard=pa.table({"model": ["base"]}), scores=pa.table({"value": [0.5]}))
    put(lake, Cell("other", "corpus/filtered", "web.base.000"), documents=pa.table({"id": ["not ours"]}))
    return lake


def views(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}


def test_every_table_of_the_recipe_is_a_view(lake: Lake) -> None:
    assert views(open_warehouse(lake, "small")) == {
        "corpus_filtered",
        "corpus_filtered_dropped",
        "evals_leaderboard",
        "evals_leaderboard_scores",
    }


def test_rows_say_their_partition(lake: Lake) -> None:
    rows = open_warehouse(lake, "small").execute("SELECT partition, id FROM corpus_filtered ORDER BY id").fetchall()
    assert rows == [("books.base.000", "0a"), ("books.base.000", "0b"), ("books.base.001", "1a"), ("books.base.001", "1b")]


def test_partitions_may_differ_in_columns(lake: Lake) -> None:
    put(lake, Cell("small", "corpus/filtered", "books.base.002"), documents=pa.table({"title": ["new"], "id": ["2a"]}))
    rows = open_warehouse(lake, "small").execute("SELECT partition, id, title FROM corpus_filtered WHERE id >= '1b' ORDER BY id").fetchall()
    assert rows == [("books.base.001", "1b", None), ("books.base.002", "2a", "new")]


def test_the_figures_of_every_cell_are_a_table(lake: Lake) -> None:
    rows = open_warehouse(lake, "small").execute("SELECT asset, partition, num_rows, seconds > 0, size_bytes > 0 FROM cells").fetchall()
    assert rows == [
        ("corpus/filtered", "books.base.000", 2, True, True),
        ("corpus/filtered", "books.base.001", 2, True, True),
        ("evals/leaderboard", "", 1, True, True),
    ]


def test_a_recipe_without_cells_has_an_empty_warehouse(lake: Lake) -> None:
    connection = open_warehouse(lake, "nowhere")
    assert views(connection) == set()
    assert connection.execute("SELECT count(*) FROM cells").fetchall() == [(0,)]
