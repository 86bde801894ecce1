"""Tokenizers: how one is made from texts, or taken from a model."""

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
