"""Tokenizers: how one is made from texts, or taken from a model or from files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernels.specs.config import Config


@dataclass(frozen=True, kw_only=True)
class TokenizerMethod:
    """How a tokenizer is made: ``train`` reads texts in order and returns the text of a `tokenizers` JSON file."""

    name: str
    version: int
    config: type[Config]
    train: Callable[[Iterator[str], Any], str]


@dataclass(frozen=True, kw_only=True)
class TokenizerOfModel:
    """How a tokenizer is taken from a model: ``take`` writes what of a checkpoint's folder belongs to it into an empty folder."""

    name: str
    version: int
    config: type[Config]
    take: Callable[[Path, Path], None]


@dataclass(frozen=True, kw_only=True)
class TokenizerOfFile:
    """How a tokenizer is taken from files that somebody else made: ``take`` writes what of a folder belongs to it into an empty folder.

    It is given a folder of copies, and by what name its errors call the place where they come from.
    """

    name: str
    version: int
    config: type[Config]
    patterns: tuple[str, ...]
    """Of the files that are looked at."""
    take: Callable[[Path, str, Path], None]


AnyTokenizer = TokenizerMethod | TokenizerOfModel | TokenizerOfFile
