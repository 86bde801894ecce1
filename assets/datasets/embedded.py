"""Data sets shipped with modelmill: made once into the home from pinned packages and the Python installation.

Each module beside this one declares one. A set is written aside and renamed, and is then the user's to add files to: it is made again only when
it is gone or `builder.VERSION` is another, and what was added is carried over. The ``smoke-`` sets need no package at all.
"""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from assets.datasets.builder import COMPLETE, Builder, finish, is_current, is_ours
from kernels.specs.families import collect


def _builds() -> dict[str, Callable[[Builder], None]]:
    """Return how each set is built, by name. Raises ImportError where a module of a data set does not load."""
    declared = collect(("assets.datasets",))
    if declared.broken:
        raise ImportError("; ".join(declared.broken.values()))
    sets = declared.specs.values()
    return {each.name: each.build for each in sets} | {f"smoke-{each.name}": each.build_smoke for each in sets if each.build_smoke}


EMBEDDED = _builds()


def prepare(name: str, folder: Path, cache: Path) -> Path:
    """Return the folder of a set, made first where it is not there.

    Raises:
        resources.storage.packages.PackageUnavailable: a package it is made from cannot be had.
        FileExistsError: a folder of that name is there that was not made here.
    """
    target = folder / name
    if is_current(target):
        return target
    if target.exists() and not is_ours(target):
        raise FileExistsError(f"{target} was not made by modelmill (it has no {COMPLETE}): move it away, or name it in the recipe by its path")
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{name}-{uuid.uuid4().hex[:8]}"
    try:
        aside.mkdir()
        EMBEDDED[name](Builder(aside, cache))
        finish(aside, target)
        if target.exists():
            shutil.rmtree(target)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target
