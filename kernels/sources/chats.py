"""Conversations in JSON Lines, in OpenAI's form (``messages``: role, content) or ShareGPT's (``conversations``: from, value).

One line is one conversation: an optional system turn, then user and assistant in turn. A string ``rejected`` beside it is a
dispreferred answer to the last user turn, which makes the line a preference pair. Of a line that breaks the form nothing is
guessed: it is a reject named by its number.
"""

import io
import json
from collections.abc import Iterator
from typing import Any, cast

import xxhash

from kernels.documents import Turn, render_conversation
from kernels.sources.text import DamagedFileError, decompressed, tidy
from kernels.specs import Config, Document, Reject, SourceFile, SourceFormat

ROLES = {"system": "system", "user": "user", "assistant": "assistant", "human": "user", "gpt": "assistant"}
CONTROL_TOKENS = ("<|im_start|>", "<|im_end|>")


class ChatsConfig(Config):
    """Conversations need no choice."""


class _BadLineError(Exception):
    """A line that is no conversation: the reject's reason and detail."""


def read(file: SourceFile, config: ChatsConfig) -> Iterator[Document | Reject]:
    """Stream the conversations of a file.

    A conversation's key is its ``id``, or else a hash of its text; a second one with a key already taken is a reject.
    """
    number = 0
    keys: set[bytes] = set()
    with decompressed(file) as stream:
        try:
            for number, line in enumerate(io.BufferedReader(stream), start=1):
                if not line.strip():
                    continue
                try:
                    document = _document(line)
                    digest = xxhash.xxh3_64_digest(document.key.encode())
                    if digest in keys:
                        raise _BadLineError("duplicate_key", document.key)
                except _BadLineError as error:
                    yield Reject(f"line {number}", error.args[0], error.args[1])
                else:
                    keys.add(digest)
                    yield document
        except DamagedFileError as error:
            yield Reject(f"after line {number}", "damaged", str(error))


def _document(line: bytes) -> Document:
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _BadLineError("invalid_json", str(error)) from error
    if not isinstance(record, dict):
        raise _BadLineError("schema", f"expected an object, got {type(record).__name__}")
    record = cast(dict[str, Any], record)
    turns = _turns(record)
    text = render_conversation(turns)
    identifier = record.get("id")
    if identifier is not None and not isinstance(identifier, str | int):
        raise _BadLineError("schema", f"'id' must be a string or a number, got {type(identifier).__name__}")
    try:
        key = xxhash.xxh3_64_hexdigest(text.encode()) if identifier is None else str(identifier)
        key.encode()
    except UnicodeEncodeError as error:
        raise _BadLineError("invalid_unicode", str(error)) from error
    return Document(key=key, text=text)


def _turns(record: dict[str, Any]) -> list[Turn]:
    """Return the checked turns of a record, the rejected answer last."""
    if "messages" in record:
        turns = [_turn(message, "role", "content") for message in _messages(record["messages"])]
    elif "conversations" in record:
        turns = [_turn(message, "from", "value") for message in _messages(record["conversations"])]
    else:
        raise _BadLineError("schema", f"neither 'messages' nor 'conversations' among {sorted(record)}")
    roles = [turn["role"] for turn in turns]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if not spoken or spoken != [("user", "assistant")[index % 2] for index in range(len(spoken))]:
        raise _BadLineError("role_order", " ".join(roles))
    if record.get("rejected") is not None:
        if roles[-1] != "assistant":
            raise _BadLineError("role_order", f"a rejected answer needs an assistant turn before it: {' '.join(roles)}")
        turns.append(Turn(role="rejected", content=_content(record["rejected"], "rejected")))
    return turns


def _messages(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _BadLineError("schema", f"expected a list of turns, got {type(value).__name__}")
    return cast(list[object], value)


def _turn(message: object, role_field: str, content_field: str) -> Turn:
    if not isinstance(message, dict):
        raise _BadLineError("schema", f"expected a turn with {role_field!r} and {content_field!r}, got {type(message).__name__}")
    fields = cast(dict[str, object], message)
    role = fields.get(role_field)
    if not isinstance(role, str) or role not in ROLES:
        raise _BadLineError("schema", f"{role_field!r} must be one of {sorted(ROLES)}, got {role!r}")
    return Turn(role=ROLES[role], content=_content(fields.get(content_field), content_field))


def _content(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise _BadLineError("schema", f"{field!r} must be a string, got {type(value).__name__}")
    content = tidy(value).strip()
    if not content:
        raise _BadLineError("empty_turn", f"{field!r} is empty")
    for token in CONTROL_TOKENS:
        if token in content:
            raise _BadLineError("control_token", token)
    return content


SPEC = SourceFormat(name="chats", version=1, config=ChatsConfig, patterns=("*.jsonl", "*.jsonl.gz"), read=read)
