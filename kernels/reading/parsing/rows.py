"""Rows of tables as documents: which columns hold text, id, title, address and metadata, and what of a row cannot be used.

Shared by the formats whose records are flat: JSON Lines, CSV, Parquet, Arrow. A value is text whatever it looks like: nothing is
evaluated, and a cell such as ``=1+1`` stays those four characters.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, cast

from pydantic import PositiveInt

from kernels.reading.parsing.charsets import UTF8, num_bad_runs, replaced, told
from kernels.reading.parsing.keys import SeenKeys, text_key
from kernels.reading.parsing.text import tidy
from kernels.reading.parsing.transcoding import NOTHING
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject

MAX_METADATA_DEPTH = 20
"""Nesting of a metadata value; deeper ones are refused, since JSON writers recurse."""


class RowsConfig(Config):
    """Which columns of a table make a document."""

    text_field: str
    """The column that holds the text."""
    id_field: str | None = None
    """A column of strings or whole numbers unique in the file; without one the key is a hash of the text."""
    title_field: str | None = None
    """The column that holds a title."""
    url_field: str | None = None
    """The column that holds an address."""
    metadata_fields: tuple[str, ...] = ()
    """Columns that are kept as metadata under their own names."""
    max_bytes: PositiveInt
    """A larger record is a reject."""
    undecodable: Literal["reject", "replace"] = "reject"
    """What becomes of a record that is not valid UTF-8: a reject, or text with U+FFFD in the place of the bad bytes, counted in its metadata."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns that are read, each once."""
        named = (self.text_field, self.id_field, self.title_field, self.url_field, *self.metadata_fields)
        return tuple(dict.fromkeys(name for name in named if name is not None))


class BadRecordError(Exception):
    """A record that is no document: the reject's reason and detail."""

    def __init__(self, reason: str, detail: str) -> None:
        """State a short fixed code and what was found."""
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Row(NamedTuple):
    """One row and its place in the file, such as ``line 12``."""

    place: str
    values: Mapping[str, Any]
    told: Mapping[str, str | int] = NOTHING
    """What metadata says of how its bytes became text."""


def documents(rows: Iterable[Row | Reject], config: RowsConfig) -> Iterator[Document | Reject]:
    """Yield the document of each row; a row whose key was there before is a reject, and so is one without text."""
    with SeenKeys() as keys:
        for row in rows:
            if isinstance(row, Reject):
                yield row
                continue
            try:
                document = _document(row, config)
                if not keys.add(document.key):
                    raise BadRecordError("duplicate_key", document.key)
            except BadRecordError as error:
                yield Reject(row.place, error.reason, error.detail)
            else:
                yield document


def decode(data: bytes, undecodable: Literal["reject", "replace"]) -> str:
    """Return bytes as UTF-8 text. Raises BadRecordError."""
    if undecodable == "replace":
        return replaced(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRecordError("undecodable", f"not UTF-8: {error.reason} at byte {error.start}") from error


def parse_json(data: bytes, undecodable: Literal["reject", "replace"] = "reject") -> Any:
    """Return the value of a piece of JSON. Raises BadRecordError."""
    try:
        return json.loads(decode(data, undecodable).removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise BadRecordError("invalid_json", str(error)) from error


def require_unicode(*texts: str | None) -> None:
    """Raise BadRecordError where a text holds half a surrogate pair, which no file can store."""
    for text in texts:
        try:
            (text or "").encode("utf-8")
        except UnicodeEncodeError as error:
            raise BadRecordError("invalid_unicode", f"{error.reason} at character {error.start}") from error


def _document(row: Row, config: RowsConfig) -> Document:
    values = row.values
    if config.text_field not in values:
        raise BadRecordError("schema", f"no field {config.text_field!r} among {sorted(map(str, values))[:20]}")
    text = _string(values, config.text_field, config)
    if text is None or not (text := tidy(text)).strip():
        raise BadRecordError("no_text", config.text_field)
    size = len(text.encode("utf-8", "replace"))
    if size > config.max_bytes:
        raise BadRecordError("too_large", f"{size} bytes; at most {config.max_bytes} are read")
    title = _string(values, config.title_field, config)
    url = _string(values, config.url_field, config)
    require_unicode(text, title, url)
    metadata = {name: _plain(values.get(name), 0) for name in config.metadata_fields}
    if metadata:
        require_unicode(json.dumps(metadata, ensure_ascii=False))
    key = text_key(text) if config.id_field is None else _key(values.get(config.id_field), config)
    return Document(key, text, title, url, {**row.told, **_told(values, config), **metadata})


def _told(values: Mapping[str, Any], config: RowsConfig) -> Mapping[str, str | int]:
    """Return how much was replaced in a text that came as bytes."""
    text = values.get(config.text_field)
    num_bad = num_bad_runs(text) if config.undecodable == "replace" and isinstance(text, bytes) else 0
    return told(UTF8, num_bad) if num_bad else NOTHING


def _string(values: Mapping[str, Any], field: str | None, config: RowsConfig) -> str | None:
    """Return a column's value as text, None where the column or the value is missing."""
    value = values.get(field) if field is not None else None
    if isinstance(value, bytes):
        return decode(value, config.undecodable)
    if value is not None and not isinstance(value, str):
        raise BadRecordError("schema", f"{field!r} must be a string, got {type(value).__name__}")
    return value


def _key(value: Any, config: RowsConfig) -> str:
    if isinstance(value, bytes):
        value = decode(value, config.undecodable)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BadRecordError("no_id", f"{config.id_field!r} must be a string or a whole number, got {value!r:.100}")
    require_unicode(key := str(value))
    return key


def _plain(value: Any, depth: int) -> Any:
    """Return a value that JSON can say; times, decimals and numbers that are not finite become strings."""
    if depth > MAX_METADATA_DEPTH:
        raise BadRecordError("schema", f"metadata nested deeper than {MAX_METADATA_DEPTH}")
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {str(name): _plain(inner, depth + 1) for name, inner in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in cast(list[Any], value)]
    return str(value)
