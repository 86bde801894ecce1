"""Dialogues in YAML, such as ``conversations: [[Hello, Hi], [...]]``, read from parser events: nothing is constructed but texts.

Aliases, which let a short file stand for an endless one, and tags, which name types, are refused; so is deep nesting.
"""

from typing import Any, cast

from kernels.reading.parsing.rows import BadRecordError

MAX_DEPTH = 32


def yaml_records(text: str) -> list[object]:
    """Return the conversations of a YAML file: the members of its list, or of a list of lists below ``conversations``.

    Raises:
        BadRecordError: the file is not valid, or has aliases, tags or deep nesting.
    """
    records: list[object] = []
    for value in _documents(text):
        inner = cast(dict[str, object], value).get("conversations") if isinstance(value, dict) else value
        items = cast(list[object], inner) if isinstance(inner, list) else []
        is_list_of_records = isinstance(value, list) or any(isinstance(item, list) for item in items)
        records += items if is_list_of_records and not all(isinstance(item, str) for item in items) else [value]
    return records


def _documents(text: str) -> list[object]:
    """Return the values of a YAML stream; every scalar is a string, and an empty one is None."""
    import yaml

    documents: list[object] = []
    stack: list[_Node] = [_Node(documents)]
    try:
        for event in cast(Any, yaml).parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise BadRecordError("yaml_alias", str(event.anchor)[:100])
            if isinstance(event, yaml.NodeEvent) and cast(Any, event).tag not in (None, "tag:yaml.org,2002:str", "!"):
                raise BadRecordError("yaml_tag", str(cast(Any, event).tag)[:100])
            if isinstance(event, yaml.ScalarEvent):
                stack[-1].add(_scalar(event))
            elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                container: Any = [] if isinstance(event, yaml.SequenceStartEvent) else {}
                stack[-1].add(container)
                stack.append(_Node(container))
                if len(stack) > MAX_DEPTH:
                    raise BadRecordError("too_deep", f"nested deeper than {MAX_DEPTH}")
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                stack.pop()
    except yaml.YAMLError as error:
        raise BadRecordError("invalid_yaml", " ".join(str(error).split())[:300]) from error
    return documents


def _scalar(event: Any) -> str | None:
    is_plain = bool(event.implicit[0])
    return None if is_plain and event.value in ("", "~", "null", "Null", "NULL") else event.value


class _Node:
    """A list or a mapping that is being filled."""

    def __init__(self, container: Any) -> None:
        self._container = container
        self._is_list = isinstance(container, list)
        self._key: str | None = None

    def add(self, value: Any) -> None:
        if self._is_list:
            self._container.append(value)
        elif self._key is None:
            if not isinstance(value, str):
                raise BadRecordError("schema", "a mapping's key must be a text")
            self._key = value
        else:
            self._container[self._key] = value
            self._key = None
