"""Architectures: families of models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kernels.specs.config import Config
from kernels.specs.objectives import Attention


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A model family: ``build`` returns a Transformers config (no weights) for a vocabulary and special token ids."""

    name: str
    version: int
    config: type[Config]
    build: Callable[..., Any]
    attentions: frozenset[Attention] = frozenset({"causal"})
    """What it can do: an objective that asks for another is refused."""
    fast: Callable[[Any], Any] | None = None
    """Takes a Transformers config; returns the family's own module for it (`kernels.models.formats.fast.Fast`), None where it is none of the
    family or has a part that the module lacks. Without one a model trains by Transformers' own module."""
    max_positions: Callable[[Any], int | None] = lambda config: None
    """How many tokens a model of a config may read, None where nothing bounds it."""
