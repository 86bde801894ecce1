"""Configs, and what all specs share."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Base of every config: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Spec(Protocol):
    """What all specs share."""

    @property
    def name(self) -> str:
        """How recipes call it."""
        ...

    @property
    def version(self) -> int:
        """Raised when the same config gives other bytes."""
        ...

    @property
    def config(self) -> type[Config]:
        """The type of its config."""
        ...
