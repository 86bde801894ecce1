"""SQL over a lake: one view a table, the partition as a column."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from resources.storage.warehouse import NotARead, ask, open_warehouse
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


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        "COPY (PIVOT corpus_filtered ON id USING count(*)) TO '{file}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        "EXPLAIN (FORMAT json) COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        "SELECT 1; COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        "ATTACH '{folder}/other.db'",
        "EXPORT DATABASE '{folder}/dump'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "CREATE TABLE mine AS SELECT 1",
        "DROP VIEW corpus_filtered",
        "",
    ],
)
def test_a_statement_that_does_more_than_read_is_refused(lake: Lake, query: str, tmp_path: Path) -> None:
    file = lake.folder(Cell("small", "corpus/filtered", "books.base.000")) / "documents.parquet"
    before = file.read_bytes()
    with pytest.raises((NotARead, duckdb.Error)):
        ask(open_warehouse(lake, "small"), query.format(folder=tmp_path, file=str(file).replace("'", "''")))
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"lake's"}


@pytest.mark.parametrize("reader", ["read_text", "read_csv", "read_blob", "read_json", "glob", "sniff_csv", "read_parquet"])
def test_no_file_outside_the_views_can_be_read(lake: Lake, tmp_path: Path, reader: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(duckdb.Error):
        ask(open_warehouse(lake, "small"), f"SELECT * FROM {reader}('{tmp_path}/secret.txt')")


def test_no_variable_of_the_program_is_a_table(lake: Lake) -> None:
    secret = pa.table({"a": [1]})  # noqa: F841
    with pytest.raises(duckdb.Error, match="secret does not exist"):
        ask(open_warehouse(lake, "small"), "SELECT * FROM secret")


@pytest.mark.parametrize(
    "query", ["show tables", "from corpus_filtered", "describe corpus_filtered", "explain analyze select 1", "pivot corpus_filtered on id"]
)
def test_what_reads_in_other_words_is_answered(lake: Lake, query: str) -> None:
    assert ask(open_warehouse(lake, "small"), query).fetchall()


def test_a_broken_file_is_told_of_and_the_others_are_read(lake: Lake) -> None:
    file = lake.folder(Cell("small", "corpus/filtered", "books.base.000")) / "documents.parquet"
    file.write_bytes(b"PAR1 no more")
    warehouse = open_warehouse(lake, "small")
    assert ask(warehouse, "SELECT id FROM corpus_filtered ORDER BY id").fetchall() == [("1a",), ("1b",)]
    assert ask(warehouse, "SELECT asset, partition, file FROM unreadable").fetchall() == [("corpus/filtered", "books.base.000", str(file))]


@pytest.mark.parametrize("name", ["a[b]c", "x=1", "*?", "quote's", "%41", "one::two", "ä ö"])
def test_a_lake_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    lake = Lake(tmp_path / name / "lake", tmp_path / "cache")
    put(lake, Cell("small", "corpus/filtered", "books.base.000"), documents=pa.table({"id": ["a"]}))
    assert ask(open_warehouse(lake, "small"), "SELECT * FROM corpus_filtered").fetchall() == [("books.base.000", "a")]
    assert lake.table(Cell("small", "corpus/filtered", "books.base.000"), "documents").column_names == ["id"]
    assert (tmp_path / name / "lake" / "small").is_dir()
