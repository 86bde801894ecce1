"""Tokenizers: how one is made from texts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kernels.specs.config import Config


@dataclass(frozen=True, kw_only=True)
class TokenizerMethod:
    """How a tokenizer is made: ``train`` reads texts in order and returns the text of a `tokenizers` JSON file."""

    name: str
    version: int
    config: type[Config]
    train: Callable[[Iterator[str], Any], str]
