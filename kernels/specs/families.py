"""The one table of families: which folder holds the modules that each declare one thing.

A module binds one frozen spec to the name ``SPEC``; `load` imports the modules of a family and returns their specs by name; nothing else
registers anything. A module that does not load stops only what names it.
"""

import functools
import importlib
import pkgutil
from typing import Any, Literal, NamedTuple

FamilyName = Literal["sources", "filters", "tokenizers", "architectures", "methods", "tasks"]

FOLDERS: dict[FamilyName, tuple[str, ...]] = {
    "sources": ("kernels.reading.formats",),
    "filters": ("kernels.curation.filters",),
    "tokenizers": ("kernels.tokens.tokenizers",),
    "architectures": ("kernels.models.architectures",),
    "methods": (
        "kernels.methods.pretraining",
        "kernels.methods.alignment",
        "kernels.methods.compression",
        "kernels.methods.adoption",
    ),
    "tasks": ("kernels.evals.tasks",),
}


class Family(NamedTuple):
    """What the modules of a family declare."""

    specs: dict[str, Any]
    """By name, in order of name."""
    broken: dict[str, str]
    """Modules that do not load, by their own name, and why."""


@functools.cache
def load(family: FamilyName) -> Family:
    """Import the modules of a family; one without ``SPEC`` only serves the others.

    Raises:
        ValueError: two modules declare one name.
    """
    return collect(FOLDERS[family])


def specs(family: FamilyName) -> dict[str, Any]:
    """Return the specs of a family by name."""
    return load(family).specs


def collect(folders: tuple[str, ...]) -> Family:
    """Return what the modules of some packages declare. Raises ValueError where two declare one name."""
    found: dict[str, Any] = {}
    broken: dict[str, str] = {}
    for folder in folders:
        for info in pkgutil.iter_modules(importlib.import_module(folder).__path__):
            module = f"{folder}.{info.name}"
            try:
                spec = getattr(importlib.import_module(module), "SPEC", None)
            except Exception as error:  # whatever a module raises, the others still load
                broken[info.name] = f"{module}: {type(error).__name__}: {error}"
                continue
            if spec is None:
                continue
            if spec.name in found:
                raise ValueError(f"{module}: the name {spec.name!r} is already taken in its family; choose another")
            found[spec.name] = spec
    return Family(dict(sorted(found.items())), broken)
