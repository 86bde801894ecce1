"""Source formats: how the records of a file become documents."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

from kernels.specs.config import Config
from kernels.specs.turns import Turn


class SourceFile(NamedTuple):
    """One input file: its path relative to the source's root (used in ids and messages) and how to open it."""

    path: str
    open: Callable[[], BinaryIO]


class Document(NamedTuple):
    """One text as a reader extracts it. ``key`` is unique within its file and does not move when other records are added."""

    key: str
    text: str
    title: str | None = None
    url: str | None = None
    metadata: Mapping[str, Any] = MappingProxyType({})
    turns: Sequence[Turn] | None = None
    """Of a conversation, whose text is derived from them (`kernels.documents.conversations.conversation`); None of any other document."""
    losses: Mapping[str, int] = MappingProxyType({})
    """How many parts of the record, by kind, could not be told in text and are left out."""


class Reject(NamedTuple):
    """One record that a reader could not or must not use: where it is, why (a short fixed code) and the offending detail."""

    key: str
    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class SourceFormat:
    """A reader of one file format. ``read`` streams one file in bounded memory; a damaged record becomes a `Reject`."""

    name: str
    version: int
    config: type[Config]
    patterns: tuple[str, ...]
    """File name patterns (fnmatch) of this format, by which a folder is recognised."""
    read: Callable[[SourceFile, Any], Iterator[Document | Reject]]
