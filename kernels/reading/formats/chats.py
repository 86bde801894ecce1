"""Conversations in JSON Lines, JSON or YAML, in the forms that `kernels.reading.parsing.conversations.chat_forms` lists, as turns.

One line (of a JSON file, one member of its array) is one record. A conversation may begin with definitions of tools and what the system says;
then user and assistant speak in turn, calls of tools and what they gave between them, and perhaps rejected answers last, which make it a
preference pair. Whatever a turn says is content, though it spell a control token. Of a record that breaks its form nothing is guessed: it is a
reject named by its number.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from pydantic import PositiveInt

from kernels.documents.conversations import conversation
from kernels.reading.formats.jsonl import is_whole_json
from kernels.reading.parsing.conversations.chat_forms import conversations
from kernels.reading.parsing.conversations.dialogue_yaml import yaml_records
from kernels.reading.parsing.keys import SeenKeys, text_key
from kernels.reading.parsing.lines import Piece, json_values, lines
from kernels.reading.parsing.rows import BadRecordError, decode, parse_json, require_unicode
from kernels.reading.parsing.samples import json_records
from kernels.reading.parsing.text import DamagedFileError
from kernels.reading.parsing.transcoding import utf8_stream
from kernels.specs.config import Config
from kernels.specs.sources import Document, Recognised, Reject, SourceFile, SourceFormat, plain_name


class ChatsConfig(Config):
    """Conversations need no choice; the form is told by the fields, and JSON or YAML by the file's name."""

    max_bytes: PositiveInt = 1 << 24
    """A longer record is a reject; so is a longer YAML file, which is read whole."""


def read(file: SourceFile, config: ChatsConfig) -> Iterator[Document | Reject]:
    """Stream the conversations of a file.

    A conversation's key is its record's ``id`` (with ``/2`` and so on for the further ones of a record), or else a hash of its turns; a
    second one with a key already taken is a reject.
    """
    with utf8_stream(file) as stream, SeenKeys() as keys:
        if plain_name(file.path).endswith((".yaml", ".yml")):
            records = _yaml(cast(BinaryIO, stream), config)
        else:
            records = _json((json_values if is_whole_json(file.path) else lines)(stream, config.max_bytes), config)
        for record in records:
            if isinstance(record, Reject):
                yield record
                continue
            place, value = record
            try:
                for document in _documents(value):
                    if not keys.add(document.key):
                        raise BadRecordError("duplicate_key", document.key)
                    yield document
            except BadRecordError as error:
                yield Reject(place, error.reason, error.detail)


def _json(pieces: Iterator[Piece | Reject], config: ChatsConfig) -> Iterator[tuple[str, object] | Reject]:
    for piece in pieces:
        if isinstance(piece, Reject):
            yield piece
        elif piece.data is None:
            yield piece.too_large(config.max_bytes)
        elif piece.data.strip():
            try:
                yield piece.place, parse_json(piece.data)
            except BadRecordError as error:
                yield Reject(piece.place, error.reason, error.detail)


def _yaml(stream: BinaryIO, config: ChatsConfig) -> Iterator[tuple[str, object] | Reject]:
    data = bytearray()
    try:
        while len(data) <= config.max_bytes and (chunk := stream.read(1 << 16)):
            data += chunk
        if len(data) > config.max_bytes:
            raise BadRecordError("too_large", f"a YAML file of more than {config.max_bytes} bytes")
        for number, value in enumerate(yaml_records(decode(bytes(data), "reject")), start=1):
            yield f"conversation {number}", value
    except DamagedFileError as error:
        yield Reject("file", "damaged", str(error))
    except BadRecordError as error:
        yield Reject("file", error.reason, error.detail)


def _documents(value: object) -> Iterator[Document]:
    """Yield the conversations of a record. Raises BadRecordError."""
    fields: dict[str, object] = cast(Any, value) if isinstance(value, dict) else {}
    identifier = fields.get("id", fields.get("prompt_id"))
    if identifier is not None and not isinstance(identifier, str | int):
        raise BadRecordError("schema", f"'id' must be a string or a number, got {type(identifier).__name__}")
    for number, turns in enumerate(conversations(cast(object, value)), start=1):
        said = json.dumps(turns, ensure_ascii=False)
        require_unicode(said, str(identifier))
        key = str(identifier) if number == 1 else f"{identifier}/{number}"
        yield conversation(text_key(said) if identifier is None else key, turns)


def recognise(file: SourceFile) -> Recognised | None:
    """Return whether the records of a file are conversations."""
    for record in json_records(file):
        try:
            if any(True for _ in conversations(record)):
                return Recognised({}, "records that are conversations")
        except BadRecordError:
            continue
    return None


SPEC = SourceFormat(
    name="chats", version=6, config=ChatsConfig, patterns=("*.jsonl", "*.ndjson", "*.jsonlines", "*.json"), read=read, recognise=recognise
)
