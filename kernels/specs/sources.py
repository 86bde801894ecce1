"""Source formats: how the records of a file become documents."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

from kernels.specs.config import Config
from kernels.specs.extras import Extra
from kernels.specs.turns import Turn

COMPRESSED = (".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4")
"""Endings of compressed files, which every format of text is read through (`kernels.reading.parsing.compression`)."""


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


class Recognised(NamedTuple):
    """What a file was taken for when it was looked into: the config's keys that suit it, and why, in words."""

    options: Mapping[str, str]
    why: str


@dataclass(frozen=True, kw_only=True)
class SourceFormat:
    """A reader of one file format. ``read`` streams one file in bounded memory; a damaged record becomes a `Reject`."""

    name: str
    version: int
    config: type[Config]
    patterns: tuple[str, ...]
    """File name patterns (fnmatch, small or capital letters alike) of this format's files as they are without compression."""
    read: Callable[[SourceFile, Any], Iterator[Document | Reject]]
    is_compressible: bool = True
    """Whether its files may be compressed as a whole: ``read`` opens them by `kernels.reading.parsing.text.decompressed`."""

    extra: Extra | None = None
    """What its library comes with, where it needs one."""
    recognise: Callable[[SourceFile], Recognised | None] | None = None
    """Looks into the first part of a file whose name fits: how it is to be read, or None where it is something else. Without it the name says it."""

    @property
    def file_patterns(self) -> tuple[str, ...]:
        """All patterns of its files, the compressed ones too."""
        if not self.is_compressible:
            return self.patterns
        packed = [pattern + ending for pattern in self.patterns if not pattern.endswith(COMPRESSED) for ending in COMPRESSED]
        return tuple(dict.fromkeys([*self.patterns, *packed]))


def plain_name(path: str) -> str:
    """Return a file's path in small letters and without the ending of its compression: what its name says of its format."""
    name = path.lower()
    ending = next((ending for ending in COMPRESSED if name.endswith(ending)), "")
    return name.removesuffix(ending)
