"""The lake: where every artifact lives, one cell (recipe, asset, partition) a folder.

    <root>/<recipe>/<asset>/<partition or _>/manifest.json      what the cell is and what it was made from: the truth
                                            /checks.json        the verdicts on that content
                                            /<version>/...      the files

A cell is published by writing its files aside, syncing them, renaming them to a fresh version folder and then replacing the
manifest that names it. A crash at any point leaves the old manifest with the old files or the new with the new. The root is a local
path or any fsspec URL; on an object store a manifest's put is the atomic step, and readers fetch versions into a local cache.
"""

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from resources.storage.content import hash_folder, hash_json, hash_text

SCHEMA_VERSION = 1
UNPARTITIONED = "_"
VERSION_PREFIX = "v-"


class Cell(NamedTuple):
    """One artifact, or one partition of it."""

    recipe: str
    asset: str
    partition: str | None = None

    def __str__(self) -> str:
        """``asset`` or ``asset[partition]``, as a user names it within a recipe."""
        return self.asset if self.partition is None else f"{self.asset}[{self.partition}]"


class Parent(BaseModel):
    """What a cell was made from, by content. ``name`` reads ``asset`` or ``asset[partition]``."""

    model_config = ConfigDict(frozen=True)
    name: str
    content: str


class Manifest(BaseModel):
    """The sidecar of a cell."""

    model_config = ConfigDict(frozen=True)
    schema_version: int = SCHEMA_VERSION
    recipe: str
    asset: str
    partition: str | None
    version: str
    fingerprint: str
    content: str
    code_version: str
    config: dict[str, Any]
    parents: list[Parent]
    num_rows: int | None
    size_bytes: int
    files: dict[str, int]
    made_at: float
    seconds: float
    metadata: dict[str, Any]


class Verdict(BaseModel):
    """What one check said of one content of a cell."""

    model_config = ConfigDict(frozen=True)
    content: str
    version: str
    passed: bool
    blocking: bool
    description: str
    metadata: dict[str, Any] = {}


def fingerprint(code_version: str, config: dict[str, Any], parents: list[Parent]) -> str:
    """Return the identity of what a cell is to be made from; a stored one that differs makes the cell stale."""
    return hash_text(code_version, hash_json(config), *(part for parent in parents for part in (parent.name, parent.content)))


def write_atomically(path: Path, text: str) -> None:
    """Replace a text file whole: readers see the old one or the new one, also after a crash."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with aside.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parse_manifest(path: str, text: str) -> Manifest:
    try:
        return Manifest.model_validate_json(text)
    except ValueError as error:
        raise ValueError(f"{path}: not a manifest ({error}); delete the file and run mill up to make the cell again") from error


@dataclass
class Draft:
    """A cell being written: a local folder and what its manifest will say beyond the files."""

    cell: Cell
    folder: Path
    num_rows: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    unhashed: list[str] = field(default_factory=list)
    """Files that tell of the making (speeds, times) and so are no part of the content."""


class Lake:
    """Cells under one root. ``root`` is a path or fsspec URL; ``cache`` a local folder for drafts and for what a remote root holds."""

    def __init__(self, root: str | Path, cache: Path) -> None:
        """Open the lake; the root is made if it is local and not there."""
        self.filesystem, self.root = fsspec.url_to_fs(str(root))
        self.is_local = self.filesystem.protocol in ("file", ("file", "local"))
        self.cache = cache
        if self.is_local:
            Path(self.root).mkdir(parents=True, exist_ok=True)
        self.drafts = Path(self.root) / ".drafts" if self.is_local else cache / "drafts"
        self._manifests: dict[Cell, tuple[Any, Manifest]] = {}

    # --- reading ---

    def _place(self, cell: Cell, *names: str) -> str:
        return "/".join((self.root, cell.recipe, cell.asset, cell.partition or UNPARTITIONED, *names))

    def _read(self, path: str) -> str | None:
        try:
            if self.is_local:
                return Path(path).read_text()
            return self.filesystem.cat_file(path).decode()
        except FileNotFoundError:
            return None

    def manifest(self, cell: Cell) -> Manifest | None:
        """Return the manifest of a cell, None where there is no whole cell.

        Raises:
            ValueError: the manifest is not readable as one (names the file and the remedy).
        """
        path = self._place(cell, "manifest.json")
        stamp: Any = None
        if self.is_local:
            try:
                status = Path(path).stat()
            except FileNotFoundError:
                return None
            stamp = (status.st_mtime_ns, status.st_ino)
            known = self._manifests.get(cell)
            if known is not None and known[0] == stamp:
                return known[1]
        text = self._read(path)
        if text is None:
            return None
        manifest = _parse_manifest(path, text)
        if stamp is not None:
            self._manifests[cell] = (stamp, manifest)
        return manifest

    def require(self, cell: Cell) -> Manifest:
        """Return the manifest of a cell that must be there."""
        manifest = self.manifest(cell)
        if manifest is None:
            raise FileNotFoundError(f"{cell.recipe}: {cell} has not been made yet; run mill up, or select it too")
        return manifest

    def folder(self, cell: Cell) -> Path:
        """Return a local folder with the files of a cell (fetched once where the lake is remote)."""
        manifest = self.require(cell)
        place = self._place(cell, manifest.version)
        if self.is_local:
            return Path(place)
        local = self.cache / "versions" / cell.recipe / cell.asset / (cell.partition or UNPARTITIONED) / manifest.version
        if not local.exists():
            aside = local.with_name(f".{local.name}.{uuid.uuid4().hex[:8]}")
            aside.parent.mkdir(parents=True, exist_ok=True)
            self.filesystem.get(place, str(aside), recursive=True)
            aside.replace(local)
        return local

    def table(self, cell: Cell, name: str) -> pa.Table:
        """Return one Parquet table of a cell."""
        return pq.read_table(self.folder(cell) / f"{name}.parquet")

    def verdicts(self, cell: Cell) -> dict[str, Verdict]:
        """Return what the checks said of a cell, by name; empty where none has run."""
        text = self._read(self._place(cell, "checks.json"))
        if text is None:
            return {}
        return {name: Verdict.model_validate(verdict) for name, verdict in json.loads(text).items()}

    def blocked_by(self, cell: Cell) -> str | None:
        """Return why a cell's present content must not be used: the blocking check that it failed; None where there is none."""
        manifest = self.manifest(cell)
        for name, verdict in self.verdicts(cell).items():
            if manifest is not None and verdict.blocking and not verdict.passed and verdict.content == manifest.content:
                return f"{name}: {verdict.description}"
        return None

    def cells(self, recipe: str) -> list[Cell]:
        """Return every whole cell of a recipe, in order of name."""
        base = f"{self.root}/{recipe}"
        if not self.filesystem.exists(base):
            return []
        found: list[Cell] = []
        for path in self.filesystem.glob(f"{base}/**/manifest.json"):
            *asset, partition, _ = path[len(base) + 1 :].split("/")
            found.append(Cell(recipe, "/".join(asset), None if partition == UNPARTITIONED else partition))
        return sorted(found, key=lambda cell: (cell.asset, cell.partition or ""))

    def read_state(self, recipe: str, name: str) -> str | None:
        """Return a text that is kept beside a recipe's cells, None where there is none."""
        return self._read(f"{self.root}/{recipe}/{name}")

    # --- writing ---

    def _write(self, path: str, text: str) -> None:
        if self.is_local:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(Path(path), text)
        else:
            self.filesystem.pipe_file(path, text.encode())

    def write_state(self, recipe: str, name: str, text: str) -> None:
        """Keep a text beside a recipe's cells, replaced atomically."""
        self._write(f"{self.root}/{recipe}/{name}", text)

    @contextmanager
    def draft(self, cell: Cell) -> Iterator[Draft]:
        """Give a folder to write a cell's files into; it goes away unless it is published."""
        folder = self.drafts / uuid.uuid4().hex
        folder.mkdir(parents=True)
        try:
            yield Draft(cell, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, draft: Draft, *, code_version: str, config: dict[str, Any], parents: list[Parent], seconds: float) -> Manifest:
        """Make a draft the cell, atomically, and return its manifest."""
        cell = draft.cell
        files = {path.relative_to(draft.folder).as_posix(): path for path in sorted(draft.folder.rglob("*")) if path.is_file()}
        sizes = {name: path.stat().st_size for name, path in files.items()}
        manifest = Manifest(
            recipe=cell.recipe,
            asset=cell.asset,
            partition=cell.partition,
            version=VERSION_PREFIX + uuid.uuid4().hex[:12],
            fingerprint=fingerprint(code_version, config, parents),
            content=hash_folder(draft.folder, draft.unhashed),
            code_version=code_version,
            config=config,
            parents=parents,
            num_rows=draft.num_rows,
            size_bytes=sum(sizes.values()),
            files=sizes,
            made_at=time.time(),
            seconds=seconds,
            metadata=draft.metadata,
        )
        previous = self.manifest(cell)
        if self.is_local:
            self._move_into_place(draft.folder, files.values(), Path(self._place(cell, manifest.version)))
        else:
            for name, path in files.items():
                self.filesystem.put_file(str(path), self._place(cell, manifest.version, name))
        self._write(self._place(cell, "manifest.json"), manifest.model_dump_json(indent=1))
        if previous is not None:
            self.filesystem.rm(self._place(cell, previous.version), recursive=True)
        return manifest

    def _move_into_place(self, folder: Path, files: Any, target: Path) -> None:
        for path in files:
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
        for subfolder in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
            _sync_folder(subfolder)
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.replace(target)
        _sync_folder(target.parent)

    def record_verdicts(self, cell: Cell, verdicts: dict[str, Verdict]) -> None:
        """Add verdicts to a cell's, by name."""
        merged = {**self.verdicts(cell), **verdicts}
        text = json.dumps({name: verdict.model_dump() for name, verdict in sorted(merged.items())}, indent=1)
        self._write(self._place(cell, "checks.json"), text)

    def sweep(self) -> list[str]:
        """Remove what crashed writers left: drafts, half-replaced files, version folders that no manifest names. Return their paths.

        Only to be called while no other writer is at work.
        """
        leftovers = list(self.drafts.glob("*")) if self.drafts.exists() else []
        if self.is_local:
            inside = [path for path in Path(self.root).rglob("*") if self.drafts not in path.parents]
            leftovers += [path for path in inside if path.match(".*.json.*") and path.is_file()]
            leftovers += [path for path in inside if path.match(f"{VERSION_PREFIX}*") and path.is_dir() and not self._is_named(path)]
        for path in leftovers:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return sorted(str(path) for path in leftovers)

    def _is_named(self, version_folder: Path) -> bool:
        path = version_folder.with_name("manifest.json")
        text = self._read(str(path))
        return text is not None and _parse_manifest(str(path), text).version == version_folder.name
