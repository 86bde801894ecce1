"""The warehouse: DuckDB over every table of a recipe, read from the lake's Parquet files where they lie."""

import re

import duckdb

from resources.storage.lake import Lake
from resources.storage.sources import standing_cells


def open_warehouse(lake: Lake, recipe: str) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection with one view a table: ``corpus_filtered``, ``corpus_filtered_dropped``, ``evals_leaderboard_scores``...

    A table of the same name as its asset's last part, or ``documents``, takes the asset's name alone. Rows of partitioned assets have the
    column ``partition``. The view ``cells`` holds every manifest's figures.
    """
    connection = duckdb.connect()
    files: dict[str, list[tuple[str, str]]] = {}
    cells: list[tuple[str, str, int, int, float, float]] = []
    for cell in standing_cells(lake, recipe):
        manifest = lake.readable(cell)
        if manifest is None:
            continue  # mill plan and mill doctor name it
        folder = lake.folder(cell)
        row = (cell.asset, cell.partition or "", manifest.num_rows or 0, manifest.size_bytes, manifest.made_at, manifest.seconds)
        cells.append(row)
        for name in manifest.files:
            if name.endswith(".parquet"):
                files.setdefault(_view_name(cell.asset, name.removesuffix(".parquet")), []).append((str(folder / name), cell.partition or ""))
    for view, parts in files.items():
        selects = [f"SELECT {_literal(partition)} AS partition, * FROM read_parquet({_literal(path)})" for path, partition in parts]
        connection.execute(f'CREATE VIEW "{view}" AS {" UNION ALL BY NAME ".join(selects)}')
    connection.execute("CREATE TABLE cells (asset VARCHAR, partition VARCHAR, num_rows BIGINT, size_bytes BIGINT, made_at DOUBLE, seconds DOUBLE)")
    if cells:
        connection.executemany("INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?)", cells)
    return connection


def _view_name(asset: str, table: str) -> str:
    base = re.sub(r"\W", "_", asset)
    table_part = re.sub(r"\W", "_", table)
    return base if table in ("documents", asset.rsplit("/", 1)[-1]) else f"{base}_{table_part}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
