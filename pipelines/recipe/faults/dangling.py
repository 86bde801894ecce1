"""Names of a recipe that point nowhere."""

from collections.abc import Collection, Iterator

from kernels.specs.names import nearest
from pipelines.recipe.descriptions import Location

Fault = tuple[Location, str]
"""Where it stands, and what is wrong there."""


def known(location: Location, kind: str, name: str, valid: Collection[str]) -> Iterator[Fault]:
    """Yield a fault where no entry of a kind has a name."""
    if name not in valid:
        yield location, f"no {kind} is named {name!r}; {nearest(name, list(valid))}"
