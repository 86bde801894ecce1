"""Records of JSON Lines (https://jsonlines.org): one object a line, one of its fields the text. Compressed files are read as they stand.

A file whose name says ``.json`` is read as one array of objects, or as objects one behind the other. Files in UTF-16 are read too.
"""

from collections.abc import Iterator
from typing import Any, cast

from kernels.reading.parsing.charsets import num_bad_runs
from kernels.reading.parsing.lines import Piece, json_values, lines
from kernels.reading.parsing.rows import BadRecordError, Row, RowsConfig, documents, parse_json
from kernels.reading.parsing.samples import fields_told, json_records
from kernels.reading.parsing.transcoding import Utf8Stream, utf8_stream
from kernels.specs.sources import Document, Recognised, Reject, SourceFile, SourceFormat, plain_name


class JsonLinesConfig(RowsConfig):
    """Which fields of an object make a document; ``max_bytes`` bounds the whole line."""


def read(file: SourceFile, config: JsonLinesConfig) -> Iterator[Document | Reject]:
    """Stream the documents of a file; a line that is no object with text is a reject named by its number."""
    with utf8_stream(file) as stream:
        pieces = json_values if is_whole_json(file.path) else lines
        yield from documents(_rows(pieces(stream, config.max_bytes), stream, config), config)


def is_whole_json(path: str) -> bool:
    """Return whether a file name says JSON, compressed or not, rather than JSON Lines."""
    return plain_name(path).endswith(".json")


def _rows(pieces: Iterator[Piece | Reject], stream: Utf8Stream, config: JsonLinesConfig) -> Iterator[Row | Reject]:
    for piece in pieces:
        if isinstance(piece, Reject):
            yield piece
        elif piece.data is None:
            yield piece.too_large(config.max_bytes)
        elif piece.data.strip():
            try:
                value = parse_json(piece.data, config.undecodable)
                if not isinstance(value, dict):
                    raise BadRecordError("schema", f"expected an object, got {type(value).__name__}")
            except BadRecordError as error:
                yield Reject(piece.place, error.reason, error.detail)
            else:
                yield Row(piece.place, value, stream.told(num_bad_runs(piece.data) if config.undecodable == "replace" else 0))


def recognise(file: SourceFile) -> Recognised | None:
    """Return which field of a file's records is their text, None where its records have none."""
    rows: list[dict[str, Any]] = [cast(dict[str, Any], record) for record in json_records(file) if isinstance(record, dict)]
    told = fields_told(rows)
    return None if told is None else Recognised(told, f"records with their text in the field {told['text_field']!r}")


SPEC = SourceFormat(
    name="jsonl", version=2, config=JsonLinesConfig, patterns=("*.jsonl", "*.ndjson", "*.jsonlines", "*.json"), read=read, recognise=recognise
)
