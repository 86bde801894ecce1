"""Architectures: families of models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kernels.specs.config import Config


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A model family: ``build`` returns a Transformers config (no weights) for a vocabulary and special token ids."""

    name: str
    version: int
    config: type[Config]
    build: Callable[..., Any]
    max_positions: Callable[[Any], int | None] = lambda config: None
    """How many tokens a model of a config may read, None where nothing bounds it."""
