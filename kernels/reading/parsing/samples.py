"""The first part of a file, looked at to tell what it is: bounded, whatever the file holds."""

from itertools import islice
from typing import Any

from kernels.reading.parsing.charsets import UndecodableError, decode
from kernels.reading.parsing.lines import json_values, lines
from kernels.reading.parsing.rows import BadRecordError, parse_json
from kernels.reading.parsing.text import DamagedFileError, decompressed
from kernels.reading.parsing.transcoding import utf8_stream
from kernels.specs.sources import Reject, SourceFile, plain_name

SAMPLE_BYTES = 1 << 16
SAMPLE_RECORDS = 20
MAX_RECORD_BYTES = 1 << 20
TEXT_FIELDS = (
    "text",
    "content",
    "contents",
    "body",
    "document",
    "article",
    "page_content",
    "raw_content",
    "markdown",
    "passage",
    "story",
    "abstract",
)
"""Fields that hold a record's text, the likeliest first; without any of them it is the one with the longest values."""
SEPARATORS = ("<|endoftext|>", "<|end_of_text|>")
"""What other tools write between two documents of one file of text."""
MIN_MEAN_CHARS = 20
"""What those values have at least on average, to be text and no label."""


def head_text(file: SourceFile) -> str:
    """Return the first part of a file as text, empty where it is none."""
    data = b""
    try:
        with decompressed(file) as stream:
            while len(data) < SAMPLE_BYTES and (piece := stream.read(SAMPLE_BYTES)):
                data += piece
    except DamagedFileError:
        pass  # what stands before the damage is enough to look at
    try:
        return "" if b"\0" in data[:1000] and data[:2] not in (b"\xff\xfe", b"\xfe\xff") else decode(data[:SAMPLE_BYTES]).text
    except UndecodableError:
        return ""


def json_records(file: SourceFile) -> list[Any]:
    """Return the first records of a file of JSON or JSON Lines that can be read."""
    found: list[Any] = []
    with utf8_stream(file) as stream:
        pieces = (json_values if plain_name(file.path).endswith(".json") else lines)(stream, MAX_RECORD_BYTES)
        for piece in islice(pieces, SAMPLE_RECORDS):
            if isinstance(piece, Reject) or not piece.data or not piece.data.strip():
                continue
            try:
                found.append(parse_json(piece.data))
            except BadRecordError:
                continue
    return found


def text_field(rows: list[dict[str, Any]]) -> str | None:
    """Return the field of some rows that holds their text, None where none does."""
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if _mean_chars(rows, name) > 0]
    if known := next((name for wanted in TEXT_FIELDS for name in names if name.lower() == wanted), None):
        return known
    longest = max(names, key=lambda name: _mean_chars(rows, name), default=None)
    return longest if longest is not None and _mean_chars(rows, longest) >= MIN_MEAN_CHARS else None


def _mean_chars(rows: list[dict[str, Any]], name: str) -> float:
    values = [row.get(name) for row in rows]
    strings = [value for value in values if isinstance(value, str)]
    return sum(map(len, strings)) / len(values) if strings and len(strings) * 2 >= len(values) else 0.0


def fields_told(rows: list[dict[str, Any]]) -> dict[str, str] | None:
    """Return the keys of a rows' config that suit some rows, None where no field of them holds text."""
    field = text_field(rows)
    if field is None:
        return None
    has_ids = all(isinstance(row.get("id"), str | int) and row.get("id") != "" for row in rows)
    ids = {str(row.get("id")) for row in rows} if has_ids and field != "id" else set[str]()
    return {"text_field": field, **({"id_field": "id"} if len(ids) == len(rows) else {})}
