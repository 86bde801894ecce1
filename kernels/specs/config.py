"""Configs, and what all specs share."""

from typing import Any, Protocol, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

MAX_SEED = 1 << 63
"""Past it, and below 0, a generator of random numbers refuses: after hours, where a recipe only names it late."""


def fault_of_key(key: str, message: str) -> PydanticCustomError:
    """Return what a config's validator raises where one key does not go with the others: it is told with the key's own line."""
    return PydanticCustomError("key", "{message}", {"key": key, "message": message})


class Config(BaseModel):
    """Base of every config: frozen, and an unknown key is an error, as is a number that is not finite.

    Two fields ``min_x`` and ``max_x`` are a range, and ``seed`` is what a generator takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ranges_and_seed(self) -> Self:
        values: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        for name, low in values.items():
            high = values.get(f"max_{name.removeprefix('min_')}")
            if name.startswith("min_") and isinstance(low, int | float) and isinstance(high, int | float) and low > high:
                raise fault_of_key(name, f"{low:g} is more than max_{name.removeprefix('min_')}, {high:g}, so that nothing is between; lower it")
        seed = values.get("seed")
        if isinstance(seed, int) and not 0 <= seed < MAX_SEED:
            raise fault_of_key("seed", f"{seed} is no seed; give a number of at least 0 and below 2**63")
        return self


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
