"""Rows of comma-separated values with a header line (RFC 4180); what else parts the fields is told by the header line, or named.

Quoted fields may hold line ends. A row that breaks the quoting, or grows past the bound since a quote was never closed, is a reject, and
reading goes on at the line after the one where it began.
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from kernels.reading.parsing.charsets import num_bad_runs
from kernels.reading.parsing.lines import Piece, lines
from kernels.reading.parsing.rows import BadRecordError, Row, RowsConfig, decode, documents
from kernels.reading.parsing.samples import fields_told, head_text
from kernels.reading.parsing.transcoding import Charset, Utf8Stream, utf8_stream
from kernels.specs.sources import Document, Recognised, Reject, SourceFile, SourceFormat

SAMPLE_LINES = 50
DELIMITERS = (",", ";", "\t", "|")


class CsvConfig(RowsConfig):
    """Which columns of a table make a document; ``max_bytes`` bounds a row."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """What stands between two fields; None: that one of comma, semicolon, tab and bar by which the header line names the columns."""
    charset: Charset | None = None
    """The charset of files without a byte order mark, where they are not UTF-8, by one of its WHATWG labels, such as ``windows-1252``."""


class _Lines:
    """The lines of a file for the csv module, which may go back to the line after a row's first."""

    def __init__(self, pieces: Iterator[Piece | Reject], config: CsvConfig) -> None:
        self._pieces = pieces
        self._config = config
        self._again: deque[tuple[str, str]] = deque()
        self._of_row: list[tuple[str, str]] = []
        self._size = 0
        self.end: Reject | None = None
        self.last = "the start"
        self.num_bad = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        place, line = self._again.popleft() if self._again else self._fresh()
        self._of_row.append((place, line))
        self._size += len(line)
        if self._size > self._config.max_bytes:
            raise BadRecordError("too_large", f"a row of more than {self._config.max_bytes} characters")
        return line

    def _fresh(self) -> tuple[str, str]:
        piece = next(self._pieces, None)
        if piece is None or isinstance(piece, Reject):
            self.end = self.end or piece
            raise StopIteration
        self.last = piece.place
        if piece.data is None:
            raise BadRecordError("too_large", piece.too_large(self._config.max_bytes).detail)
        line = decode(piece.data, self._config.undecodable)
        if self._config.undecodable == "replace" and not piece.data.isascii():
            self.num_bad += num_bad_runs(piece.data)
        return piece.place, line

    def peek(self) -> str:
        """Return the next line, which is read again; empty where there is none that can be read."""
        try:
            self._again.append(self._fresh())
        except (BadRecordError, StopIteration):
            return ""
        return self._again[0][1]

    def begin_row(self) -> None:
        self._of_row.clear()
        self._size = self.num_bad = 0

    def place(self) -> str:
        """Return where the row began."""
        return self._of_row[0][0] if self._of_row else self.last

    def go_back(self) -> None:
        """Read again what stands behind the row's first line."""
        self._again.extendleft(reversed(self._of_row[1:]))
        self.begin_row()


def read(file: SourceFile, config: CsvConfig) -> Iterator[Document | Reject]:
    """Stream the documents of a table; places in rejects are the lines where rows begin."""
    csv.field_size_limit(max(csv.field_size_limit(), config.max_bytes))  # rows are bounded here, and by less than the module would
    with utf8_stream(file, config.charset) as stream:
        yield from documents(_rows(_Lines(lines(stream, config.max_bytes), config), stream, config), config)


def _delimiter(header: str, config: CsvConfig) -> str:
    """Return the delimiter by which a header line names all columns that are asked for, else a comma."""
    for delimiter in DELIMITERS:
        try:
            names = {name.strip() for row in csv.reader([header], delimiter=delimiter) for name in row}
        except csv.Error:
            continue
        if names.issuperset(config.fields):
            return delimiter
    return DELIMITERS[0]


def _rows(source: _Lines, stream: Utf8Stream, config: CsvConfig) -> Iterator[Row | Reject]:
    header: list[str] | None = None
    for item in _records(source, config.delimiter or _delimiter(source.peek(), config)):
        if isinstance(item, Reject):
            yield item
        elif header is None:
            header = [name.strip() for name in item[1]]
            missing = [name for name in config.fields if header.count(name) != 1]
            if missing:
                yield Reject(item[0], "schema", f"the header must name {missing[0]!r} once; it names {header[:20]}")
                return
        elif len(item[1]) != len(header):
            yield Reject(item[0], "schema", f"{len(item[1])} fields; the header has {len(header)}")
        else:
            yield Row(item[0], dict(zip(header, item[1], strict=True)), stream.told(source.num_bad))


def _records(source: _Lines, delimiter: str) -> Iterator[tuple[str, list[str]] | Reject]:
    """Yield the fields of each row that is not empty, with its place."""
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.begin_row()
        try:
            fields = next(reader, None)
        except BadRecordError as error:
            yield Reject(source.place(), error.reason, error.detail)
            source.go_back()
            continue
        except csv.Error as error:
            yield Reject(source.place(), "invalid_csv", str(error))
            source.go_back()
            continue
        if fields is None:
            break
        if fields:
            yield source.place(), fields
    if source.end is not None:
        yield source.end


def recognise(file: SourceFile) -> Recognised | None:
    """Return which column of a table is text, None where it has none."""
    lines_of_head = head_text(file).replace("\r\n", "\n").replace("\r", "\n").split("\n")[:SAMPLE_LINES]
    for delimiter in sorted(DELIMITERS, key=lambda found: -lines_of_head[0].count(found)):
        try:
            header, *rows = csv.reader(lines_of_head, delimiter=delimiter)
        except (csv.Error, ValueError):
            continue
        told = fields_told([dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)])
        if told is not None and len(set(header)) == len(header):
            return Recognised(told, f"a table with text in the column {told['text_field']!r}")
    return None


SPEC = SourceFormat(name="csv", version=2, config=CsvConfig, patterns=("*.csv", "*.tsv"), read=read, recognise=recognise)
