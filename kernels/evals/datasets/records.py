"""Records of data files: JSON Lines, JSON, CSV, TSV and Parquet, plain or by gzip, and the file of a split in a folder.

A record's key is ``file:line`` (of JSON and Parquet, its number from 1), by which rejects and answers name it.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

Record = dict[str, Any]
MAX_FIELD_CHARS = 1 << 24
"""Of a field of CSV: Python's own limit is less than a passage may be."""


def split_file(path: Path, names: Sequence[str]) -> Path:
    """Return the file of a split: ``path`` itself where it is a file, else the first of some names that stands in the folder.

    Raises:
        ValueError: none does (names those that are looked for).
    """
    if path.is_file():
        return path
    for name in names:
        if (path / name).is_file():
            return path / name
    raise ValueError(f"{path.name}: has none of the files {', '.join(names)}; give the folder of the official files, or one such file")


def read_text(path: Path) -> str:
    """Return the text of a file, plain or by gzip.

    Raises:
        ValueError: it is not UTF-8, or its gzip is damaged.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return data.decode("utf-8-sig")
    except (UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path.name}: cannot be read ({error}); fetch the file again") from error


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield ``(file:line, line)`` of a text file, without line ends and empty lines."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            yield f"{path.name}:{number}", line.rstrip("\r")


def json_lines(path: Path) -> Iterator[tuple[str, Record]]:
    """Yield ``(file:line, record)`` of a file of JSON objects, one a line.

    Raises:
        ValueError: a line is none.
    """
    for key, line in lines_of(path):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{key}: not JSON ({error}); repair or fetch the file again") from error
        if not isinstance(record, dict):
            raise ValueError(f"{key}: not an object, but {type(record).__name__}; give a file of one record a line")
        yield key, cast(Record, record)


def json_file(path: Path) -> Any:
    """Return the value of a JSON file. Raises ValueError: it is none."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name}: not JSON ({error}); repair or fetch the file again") from error


def table_rows(path: Path, delimiter: str, header: Sequence[str] | None = None, *, is_quoted: bool = True) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ``(file:line, row)`` of a CSV or TSV file, whose first line is the header unless one is given.

    Raises:
        ValueError: a row has more or fewer fields than the header.
    """
    csv.field_size_limit(MAX_FIELD_CHARS)
    quoting = csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE
    rows = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, quoting=quoting)
    try:
        names = list(header) if header is not None else next(rows, list[str]())
        first = rows.line_num + 1
        for row in rows:
            key, first = f"{path.name}:{first}", rows.line_num + 1
            if not row:
                continue
            if len(row) != len(names):
                raise ValueError(f"{key}: {len(row)} fields where the header has {len(names)}; repair the file")
            yield key, dict(zip(names, row, strict=True))
    except csv.Error as error:
        raise ValueError(f"{path.name}:{rows.line_num}: not a table ({error}); repair the file") from error


def parquet_rows(path: Path) -> Iterator[tuple[str, Record]]:
    """Yield ``(file:number, record)`` of a Parquet file."""
    import polars as pl

    for number, row in enumerate(pl.read_parquet(path, glob=False, hive_partitioning=False).iter_rows(named=True), 1):
        yield f"{path.name}:{number}", row


def records(path: Path) -> Iterator[tuple[str, Record]]:
    """Yield ``(key, record)`` of a file by its suffix: JSON Lines, a JSON list, CSV or TSV with a header, or Parquet.

    Raises:
        ValueError: the suffix is another, or the file is not what it says.
    """
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix in (".jsonl", ".ndjson"):
        yield from json_lines(path)
    elif suffix == ".json":
        value = json_file(path)
        if not isinstance(value, list):
            raise ValueError(f"{path.name}: not a list of records; give JSON Lines, or a list")
        for number, record in enumerate(cast(list[Any], value), 1):
            if not isinstance(record, dict):
                raise ValueError(f"{path.name}:{number}: not an object; repair the file")
            yield f"{path.name}:{number}", cast(Record, record)
    elif suffix in (".csv", ".tsv"):
        yield from table_rows(path, "," if suffix == ".csv" else "\t")
    elif suffix == ".parquet":
        yield from parquet_rows(path)
    else:
        raise ValueError(f"{path.name}: no format has the suffix {suffix!r}; give .jsonl, .json, .csv, .tsv or .parquet, plain or .gz")


def text_field(key: str, record: Record, name: str) -> str:
    """Return one text of a record without surrounding space.

    Raises:
        ValueError: the record has no such field, it is no text, or it is blank.
    """
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key}: no text {name!r}, only {sorted(record)}; give a file of the eval's own format")
    return value.strip()
