"""The lake: where every artifact lives, one cell (recipe, asset, partition) a folder.

    <root>/<recipe>/<asset>/<partition or _>/manifest.json      what the cell is and what it was made from: the truth
                                            /checks.json        the verdicts on that content
                                            /damage.json        what verification found wrong with a version's files
                                            /<version>/...      the files of a version
                                            /<version>.json     its manifest: a version that has one is whole
                   /ledger.jsonl                                 what every attempt cost, the replaced and the killed too
                   /pins.json                                    versions that are to stay

The root is a local path or any fsspec URL; on an object store a manifest's put is the atomic step, and readers fetch versions into a local
cache. Writing is in publishing.py, the look at all cells in look.py, what becomes of old versions in versions.py.
"""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from resources.storage.atomic import locked, read_words, sign_of_life, signs_of_life, write_atomically
from resources.storage.file_systems import fetch_all, open_file_system, remove_all
from resources.storage.manifest import Cell, Manifest, Verdict
from resources.storage.tables import read_table

UNPARTITIONED = "_"
VERSION_PREFIX = "v-"
MANIFEST, CHECKS, DAMAGE = "manifest.json", "checks.json", "damage.json"


class Lake:
    """Cells under one root. ``root`` is a path or fsspec URL; ``cache`` a local folder for drafts and for what a remote root holds."""

    def __init__(self, root: str | Path, cache: Path) -> None:
        """Open the lake; the root is made if it is local and not there."""
        self.filesystem, self.root = open_file_system(str(root))
        self.is_local = self.filesystem.protocol in ("file", ("file", "local"))
        self.cache = cache
        if self.is_local:
            Path(self.root).mkdir(parents=True, exist_ok=True)
        self.drafts = Path(self.root) / ".drafts" if self.is_local else cache / "drafts"
        self.readers = Path(self.root) / ".readers" if self.is_local else cache / "readers"
        self._parsed: dict[str, tuple[Any, Any]] = {}

    # --- places and texts ---

    def place(self, cell: Cell, *names: str) -> str:
        """Return where something of a cell is kept."""
        return "/".join((self.root, cell.recipe, cell.asset, cell.partition or UNPARTITIONED, *names))

    def read(self, path: str) -> str | None:
        """Return a text, None where there is none."""
        try:
            return Path(path).read_text() if self.is_local else self.filesystem.cat_file(path).decode()
        except FileNotFoundError:
            return None

    def write(self, path: str, text: str) -> None:
        """Replace a text whole."""
        if self.is_local:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(Path(path), text)
        else:
            self.filesystem.pipe_file(path, text.encode())

    def names(self, path: str) -> list[str]:
        """Return the names in a folder; none where it is not there."""
        try:
            if self.is_local:
                return sorted(found.name for found in Path(path).iterdir())
            return sorted(found.rpartition("/")[2] for found in self.filesystem.ls(path, detail=False))
        except FileNotFoundError:
            return []

    def remove(self, path: str) -> None:
        """Remove a file or folder; nothing happens where there is none."""
        if not self.is_local:
            remove_all(self.filesystem, [path])
        elif Path(path).is_dir():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)

    def read_state(self, recipe: str, name: str) -> str | None:
        """Return a text that is kept beside a recipe's cells, None where there is none."""
        return self.read(f"{self.root}/{recipe}/{name}")

    def write_state(self, recipe: str, name: str, text: str) -> None:
        """Keep a text beside a recipe's cells, replaced atomically."""
        self.write(f"{self.root}/{recipe}/{name}", text)

    @contextmanager
    def locked(self, cell: Cell) -> Iterator[None]:
        """Keep other writers of a cell out. On an object store there is no lock: the last put wins."""
        if not self.is_local:
            yield
            return
        with locked(Path(self.place(cell, ".lock"))):
            yield

    # --- one cell ---

    def manifest(self, cell: Cell) -> Manifest | None:
        """Return the manifest of a cell, None where there is no whole cell.

        Raises:
            ValueError: the manifest is not readable as one (names the file and the remedy).
        """
        return self.parsed(self.place(cell, MANIFEST), parse_manifest)

    def parsed(self, path: str, parse: Callable[[str, str], Any]) -> Any:
        """Return a text as parsed, None where there is none; a local one is parsed anew only where it was written anew."""
        if not self.is_local:
            text = self.read(path)
            return None if text is None else parse(path, text)
        try:
            status = Path(path).stat()
        except FileNotFoundError:
            return None
        stamp = (status.st_mtime_ns, status.st_ino)
        known = self._parsed.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        text = self.read(path)
        value = None if text is None else parse(path, text)
        self._parsed[path] = (stamp, value)
        return value

    def readable(self, cell: Cell) -> Manifest | None:
        """Return the manifest of a cell, None where there is none or it cannot be read."""
        try:
            return self.manifest(cell)
        except ValueError:
            return None

    def require(self, cell: Cell) -> Manifest:
        """Return the manifest of a cell that must be there."""
        manifest = self.manifest(cell)
        if manifest is None:
            raise FileNotFoundError(f"{cell.recipe}: {cell} has not been made yet; run mill up, or select it too")
        return manifest

    def folder(self, cell: Cell, version: str | None = None) -> Path:
        """Return a local folder with the files of a cell, as it stands or in a version (fetched once where the lake is remote)."""
        version = version or self.require(cell).version
        place = self.place(cell, version)
        if self.is_local:
            return Path(place)
        local = self.cache / "versions" / cell.recipe / cell.asset / (cell.partition or UNPARTITIONED) / version
        if not local.exists():
            aside = local.with_name(f".{local.name}.{uuid.uuid4().hex[:8]}")
            aside.parent.mkdir(parents=True, exist_ok=True)
            fetch_all(self.filesystem, place, str(aside))
            aside.replace(local)
        return local

    def table(self, cell: Cell, name: str) -> pa.Table:
        """Return one Parquet table of a cell."""
        return read_table(self.folder(cell) / f"{name}.parquet")

    def verdicts(self, cell: Cell) -> dict[str, Verdict]:
        """Return what the checks said of a cell, by name; empty where none has run.

        Raises:
            ValueError: the file is not readable (names it and the remedy).
        """
        path = self.place(cell, CHECKS)
        text = self.read(path)
        return {} if text is None else parse_verdicts(path, text)

    def record_verdicts(self, cell: Cell, verdicts: dict[str, Verdict], known: Iterable[str]) -> None:
        """Keep verdicts on a cell by name, and of those recorded before only the ones of checks that are known."""
        with self.locked(cell):
            try:
                before = self.verdicts(cell)
            except ValueError:
                before = {}  # what cannot be read is asked again
            merged = {name: verdict for name, verdict in before.items() if name in set(known)} | verdicts
            text = json.dumps({name: verdict.model_dump() for name, verdict in sorted(merged.items())}, indent=1)
            self.write(self.place(cell, CHECKS), text)

    # --- all cells ---

    def cells(self, recipe: str) -> list[Cell]:
        """Return every cell of a recipe that has a manifest, in order of name."""
        return sorted(self.find(recipe), key=lambda cell: (cell.asset, cell.partition or ""))

    def find(self, recipe: str) -> dict[Cell, set[str]]:
        """Return the cells of a recipe and the names of the files beside their versions."""
        base = f"{self.root}/{recipe}"
        found: dict[Cell, set[str]] = {}
        for folder, names in self.walk(base):
            if MANIFEST in names:
                *asset, partition = folder[len(base) + 1 :].split("/")
                found[Cell(recipe, "/".join(asset), None if partition == UNPARTITIONED else partition)] = names
        return found

    def walk(self, base: str) -> Iterator[tuple[str, set[str]]]:
        """Yield each folder below one with the names of its files. Locally it goes into no version and no hidden folder."""
        if self.is_local:
            pending = [base]
            while pending:
                folder = pending.pop()
                try:
                    entries = list(os.scandir(folder))
                except FileNotFoundError:
                    continue
                inner = [entry.path for entry in entries if entry.is_dir() and not entry.name.startswith((VERSION_PREFIX, "."))]
                pending += inner
                yield folder, {entry.name for entry in entries if not entry.is_dir()}
            return
        self.filesystem.invalidate_cache(base)
        by_folder: dict[str, set[str]] = {}
        for path in self.filesystem.find(base) if self.filesystem.exists(base) else []:
            folder, _, name = path.rpartition("/")
            by_folder.setdefault(folder, set()).add(name)
        yield from by_folder.items()

    # --- readers ---

    @contextmanager
    def reading(self, versions: Iterable[tuple[Cell, str]]) -> Iterator[None]:
        """Say that versions are being read, so that nobody removes them meanwhile."""
        words = {"versions": [self.place(cell, version) for cell, version in versions]}
        with sign_of_life(self.readers, uuid.uuid4().hex, words):
            yield

    def versions_being_read(self) -> set[str]:
        """Return the places of versions that living readers hold."""
        held: set[str] = set()
        for path, lives in signs_of_life(self.readers):
            if lives:
                held.update(read_words(path).get("versions", []))
            else:
                path.unlink(missing_ok=True)
        return held


def parse_manifest(path: str, text: str) -> Manifest:
    """Return a manifest. Raises ValueError with the file and the remedy where the text is none."""
    try:
        return Manifest.model_validate_json(text)
    except ValueError as error:
        raise ValueError(f"{path}: not a manifest ({error}); delete the file and run mill up to make the cell again") from error


def parse_verdicts(path: str, text: str) -> dict[str, Verdict]:
    """Return verdicts by name. Raises ValueError with the file and the remedy where the text holds none."""
    try:
        return {name: Verdict.model_validate(verdict) for name, verdict in json.loads(text).items()}
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{path}: not the verdicts of checks ({error}); delete the file and run mill up to ask them again") from error
