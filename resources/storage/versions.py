"""What becomes of a cell's versions: history, rollback, pins, removal of the old, and verification of files against their hashes."""

import json
import time
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from resources.storage.content import hash_bytes, hash_folder
from resources.storage.lake import DAMAGE, MANIFEST, VERSION_PREFIX, Lake, parse_manifest
from resources.storage.look import size_trouble
from resources.storage.manifest import Cell, Manifest

PINS = "pins.json"


class Pin(BaseModel):
    """A version that stays. While it is the one that stands, the planner leaves its cell as it is."""

    model_config = ConfigDict(frozen=True)
    version: str
    reason: str
    pinned_at: float


class OldVersion(NamedTuple):
    """A version that nothing holds."""

    cell: Cell
    version: str
    size_bytes: int
    made_at: float


def history(lake: Lake, cell: Cell) -> list[Manifest]:
    """Return the whole versions of a cell that are there, the newest first; one whose manifest cannot be read is left out."""
    found: dict[str, Manifest] = {}
    for name in _version_files(lake, cell):
        path = lake.place(cell, name)
        text = lake.read(path)
        try:
            manifest = None if text is None else parse_manifest(path, text)
        except ValueError:
            continue
        if manifest is not None:
            found[manifest.version] = manifest
    standing = lake.readable(cell)
    if standing is not None:
        found[standing.version] = standing
    return sorted(found.values(), key=lambda manifest: (-manifest.made_at, manifest.version))


def _version_files(lake: Lake, cell: Cell) -> list[str]:
    """Return the names of the manifests of a cell's whole versions."""
    return [name for name in lake.names(lake.place(cell)) if name.startswith(VERSION_PREFIX) and name.endswith(".json")]


def version_named(lake: Lake, cell: Cell, version: str) -> Manifest:
    """Return a version of a cell by its name or the beginning of it.

    Raises:
        ValueError: there is none, or more than one (names those there are).
    """
    versions = history(lake, cell)
    found = [manifest for manifest in versions if manifest.version.startswith(version)]
    if len(found) != 1:
        there = ", ".join(manifest.version for manifest in versions) or "none"
        raise ValueError(f"{cell}: {len(found) or 'no'} versions are called {version!r}; there are {there}")
    return found[0]


def rollback(lake: Lake, cell: Cell, version: str | None, reason: str) -> Manifest:
    """Have an earlier version of a cell stand again (the one before where none is named), pin it there and return its manifest.

    Raises:
        ValueError: there is no such version, or its files are not as they were written.
    """
    standing = lake.require(cell)
    if version is None:
        earlier = [manifest for manifest in history(lake, cell) if manifest.made_at < standing.made_at]
        if not earlier:
            raise ValueError(f"{cell}: no earlier version is kept; mill history {cell} lists what there is")
        chosen = earlier[0]
    else:
        chosen = version_named(lake, cell, version)
    trouble = trouble_of(lake, chosen)
    if trouble:
        raise ValueError(f"{cell}: {chosen.version} cannot stand again: {trouble}; choose another version")
    with lake.locked(cell):
        lake.write(lake.place(cell, MANIFEST), chosen.model_dump_json(indent=1))
    pin(lake, cell, chosen.version, reason)
    return chosen


def pins(lake: Lake, recipe: str) -> dict[str, Pin]:
    """Return the pins of a recipe by cell, as ``asset`` or ``asset[partition]``.

    Raises:
        ValueError: the file is not readable (names it and the remedy).
    """
    text = lake.read_state(recipe, PINS)
    try:
        return {} if text is None else {cell: Pin.model_validate(value) for cell, value in json.loads(text).items()}
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{lake.root}/{recipe}/{PINS}: no list of pins ({error}); mend the file, or delete it to let go of every pin") from error


def pin(lake: Lake, cell: Cell, version: str, reason: str) -> None:
    """Have a version stay."""
    _write_pins(lake, cell.recipe, {**pins(lake, cell.recipe), str(cell): Pin(version=version, reason=reason, pinned_at=time.time())})


def unpin(lake: Lake, cell: Cell) -> bool:
    """Let go of a cell's pin; return whether there was one."""
    known = pins(lake, cell.recipe)
    if known.pop(str(cell), None) is None:
        return False
    _write_pins(lake, cell.recipe, known)
    return True


def _write_pins(lake: Lake, recipe: str, values: dict[str, Pin]) -> None:
    lake.write_state(recipe, PINS, json.dumps({cell: value.model_dump() for cell, value in sorted(values.items())}, indent=1))


def old_versions(lake: Lake, recipe: str, keep_last: int) -> list[OldVersion]:
    """Return the versions that nothing holds: not standing, not among a cell's last ``keep_last``, not pinned, not named by another, not read."""
    cells = lake.cells(recipe)
    many = [cell for cell in cells if len(_version_files(lake, cell)) > keep_last]
    if not many:
        return []
    holders = [cell for cell in cells if (manifest := lake.readable(cell)) is not None and manifest.keeps]
    histories = {cell: history(lake, cell) for cell in dict.fromkeys([*many, *holders])}
    pinned = pins(lake, recipe)
    held: set[tuple[Cell, str]] = set()
    for cell, versions in histories.items():
        standing = lake.readable(cell)
        held |= {(cell, manifest.version) for manifest in versions[:keep_last]}
        if standing is not None:
            held.add((cell, standing.version))
        if str(cell) in pinned:
            held.add((cell, pinned[str(cell)].version))
    for cell, versions in histories.items():
        for manifest in versions:
            if (cell, manifest.version) in held:
                held |= {(Cell(recipe, kept.asset, kept.partition), kept.version) for kept in manifest.keeps}
    being_read = lake.versions_being_read()
    return [
        OldVersion(cell, manifest.version, manifest.size_bytes, manifest.made_at)
        for cell, versions in histories.items()
        for manifest in versions
        if (cell, manifest.version) not in held and lake.place(cell, manifest.version) not in being_read
    ]


def remove_version(lake: Lake, cell: Cell, version: str) -> None:
    """Remove a version that does not stand."""
    with lake.locked(cell):
        standing = lake.readable(cell)
        if standing is None or standing.version != version:
            place = lake.place(cell, version)
            lake.remove(f"{place}.json")  # first, so that a crash leaves what is swept and not half a version
            lake.remove(place)


def verify(lake: Lake, cells: list[Cell]) -> Iterator[tuple[Cell, str]]:
    """Yield each cell with what is wrong with its files, empty where nothing is; what is wrong is put down, so that the cell is made again."""
    for cell in cells:
        manifest = lake.require(cell)
        trouble = trouble_of(lake, manifest)
        if trouble:
            lake.write(lake.place(cell, DAMAGE), json.dumps({"version": manifest.version, "reason": trouble}))
        yield cell, trouble


def trouble_of(lake: Lake, manifest: Manifest) -> str:
    """Return how a version's files differ from what was written, empty where they do not. Reads all of them."""
    folder = lake.folder(manifest.cell, manifest.version)
    for name, size in manifest.files.items():
        path = folder / name
        trouble = size_trouble(path, path.stat().st_size if path.is_file() else None, size)
        if trouble:
            return trouble
        if name in manifest.unhashed and hash_bytes(path) != manifest.unhashed[name]:
            return f"{path} is not what was written"
    extra = sorted({path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - manifest.files.keys())
    if extra:
        return f"{folder / extra[0]} is no file of the version"
    pictures = [name for name in manifest.files if name.endswith(".png")] if manifest.schema_version == 1 else []
    try:
        content = hash_folder(folder, [*manifest.unhashed, *pictures])  # the first schema did not list what it left out
    except Exception as error:  # whatever a reader of Parquet, npy or safetensors says of a damaged file
        return f"{folder} cannot be read: {type(error).__name__}: {error}"
    return "" if content == manifest.content else f"{folder} holds other values than were written"
