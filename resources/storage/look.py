"""One look at every cell of a recipe: what it is, what its checks said, and why it cannot be used as it stands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from resources.storage.file_systems import read_all
from resources.storage.lake import CHECKS, DAMAGE, MANIFEST, Lake, parse_manifest, parse_verdicts
from resources.storage.manifest import Cell, Manifest, Verdict


class CellRecord(NamedTuple):
    """What one look finds of a cell."""

    manifest: Manifest | None
    verdicts: dict[str, Verdict]
    trouble: str
    """Why the cell cannot be used as it stands (the file and what is wrong with it); empty where it can."""


NOTHING = CellRecord(None, {}, "")


def look(lake: Lake, recipe: str) -> dict[Cell, CellRecord]:
    """Return what there is of every cell of a recipe: one walk over its folders. What cannot be read is told, and stops nothing else."""
    found = lake.find(recipe)
    seen = _Seen(lake) if lake.is_local else _Fetched(lake, recipe, found)
    return {cell: _record(lake, seen, cell, names) for cell, names in found.items()}


class _Seen:
    """Texts and sizes of a local lake, read as they are asked for."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def text(self, path: str, parse: Callable[[str, str], Any]) -> Any:
        return self.lake.parsed(path, parse)

    def size(self, path: str) -> int | None:
        try:
            return Path(path).stat().st_size
        except OSError:
            return None


class _Fetched:
    """Texts and sizes of a lake on an object store, asked for together."""

    def __init__(self, lake: Lake, recipe: str, found: dict[Cell, set[str]]) -> None:
        paths = [lake.place(cell, name) for cell, names in found.items() for name in (MANIFEST, CHECKS, DAMAGE) if name in names]
        self.texts = read_all(lake.filesystem, paths)
        self.sizes: dict[str, Any] = lake.filesystem.find(f"{lake.root}/{recipe}", detail=True)

    def text(self, path: str, parse: Callable[[str, str], Any]) -> Any:
        return parse(path, self.texts[path].decode(errors="replace")) if path in self.texts else None

    def size(self, path: str) -> int | None:
        return self.sizes[path]["size"] if path in self.sizes else None


def _record(lake: Lake, seen: _Seen | _Fetched, cell: Cell, names: set[str]) -> CellRecord:
    try:
        manifest: Manifest | None = seen.text(lake.place(cell, MANIFEST), parse_manifest)
    except ValueError as error:
        return CellRecord(None, {}, str(error))
    if manifest is None:
        return NOTHING
    verdicts: dict[str, Verdict] = {}
    if CHECKS in names:
        try:
            verdicts = seen.text(lake.place(cell, CHECKS), parse_verdicts) or {}
        except ValueError:
            verdicts = {}  # they are asked again, and the file replaced
    damage = seen.text(lake.place(cell, DAMAGE), lambda path, text: json.loads(text)) if DAMAGE in names else None
    if damage and damage["version"] == manifest.version:
        return CellRecord(manifest, verdicts, damage["reason"])
    return CellRecord(manifest, verdicts, "; ".join(_wrong_sizes(lake, seen, cell, manifest)))


def _wrong_sizes(lake: Lake, seen: _Seen | _Fetched, cell: Cell, manifest: Manifest) -> list[str]:
    """Return which of a version's files are not there or not of their size."""
    wrong: list[str] = []
    for name, size in manifest.files.items():
        path = lake.place(cell, manifest.version, name)
        trouble = size_trouble(path, seen.size(path), size)
        wrong += [trouble] if trouble else []
    return wrong


def size_trouble(path: str | Path, found: int | None, size: int) -> str:
    """Return how a file (``found`` bytes of it are there, None where it is not) differs from its size in the manifest, empty where it does not."""
    if found is None:
        return f"{path} is missing"
    return "" if found == size else f"{path} has {found:,} bytes, not {size:,}"
