"""Making a draft a cell: written aside, synced, renamed to a fresh version, then named by the manifest.

A crash at any point leaves the old manifest with the old files or the new with the new. Every writer holds a lock file beside its draft for
as long as it lives; sweeping takes away only what no living writer holds.
"""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resources.storage import ledger
from resources.storage.atomic import LOCK, is_locked, read_words, sign_of_life, signs_of_life, sync_folder
from resources.storage.content import hash_bytes, hash_folder
from resources.storage.lake import MANIFEST, VERSION_PREFIX, Lake
from resources.storage.manifest import Cell, KeptVersion, Manifest, Parent, Provenance, fingerprint


@dataclass
class Draft:
    """A cell being written: a local folder and what its manifest will say beyond the files."""

    cell: Cell
    folder: Path
    began_at: float
    replaces: str | None
    """The version that stood when the draft was begun."""
    seconds: float | None = None
    """What it cost, where that is not all the time since it was begun: of cells made together, each has its own part."""
    device: str | None = None
    """What computed it, where that is not what the machine would give."""
    num_rows: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    unhashed: list[str] = field(default_factory=list)
    """Files that tell of the making (speeds, times) and so are no part of the content."""
    keeps: list[KeptVersion] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class MadeFrom:
    """What a draft is made from, and with what."""

    code_version: str
    config: dict[str, Any]
    parents: list[Parent]
    seed: int | None = None
    provenance: Provenance | None = None

    @property
    def fingerprint(self) -> str:
        """The identity of what is made from it."""
        return fingerprint(self.code_version, self.config, self.parents)


@contextmanager
def draft(lake: Lake, cell: Cell, fingerprint: str = "", scratch: Path | None = None) -> Iterator[Draft]:
    """Give a folder to write a cell's files into; it goes away unless it is published.

    ``scratch``: a folder that the attempt writes into meanwhile, whose files tell how long it lived, should it be killed.
    """
    name = uuid.uuid4().hex
    folder = lake.drafts / name
    began_at = time.time()
    words = {**cell._asdict(), "fingerprint": fingerprint, "began_at": began_at, "scratch": None if scratch is None else str(scratch)}
    with sign_of_life(lake.drafts, name, words):
        folder.mkdir(parents=True)
        try:
            yield Draft(cell, folder, began_at, standing_version(lake, cell))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def standing_version(lake: Lake, cell: Cell) -> str | None:
    """Return which version of a cell stands, None where none does or its manifest cannot be read."""
    manifest = lake.readable(cell)
    return manifest.version if manifest else None


def publish(lake: Lake, draft: Draft, made_from: MadeFrom) -> Manifest:
    """Make a draft the cell, atomically, and return its manifest: that of another writer, where one has made the same cell meanwhile."""
    files = {path.relative_to(draft.folder).as_posix(): path for path in sorted(draft.folder.rglob("*")) if path.is_file()}
    sizes = {name: path.stat().st_size for name, path in files.items()}
    cell = draft.cell
    manifest = Manifest(
        **cell._asdict(),
        version=VERSION_PREFIX + uuid.uuid4().hex[:12],
        fingerprint=made_from.fingerprint,
        content=hash_folder(draft.folder, draft.unhashed),
        code_version=made_from.code_version,
        config=made_from.config,
        parents=made_from.parents,
        num_rows=draft.num_rows,
        size_bytes=sum(sizes.values()),
        files=sizes,
        unhashed={name: hash_bytes(files[name]) for name in draft.unhashed},
        made_at=time.time(),
        seconds=time.time() - draft.began_at if draft.seconds is None else draft.seconds,
        seed=made_from.seed,
        provenance=made_from.provenance,
        keeps=draft.keeps,
        metadata=draft.metadata,
    )
    with lake.locked(cell):
        other = _same_by_another(lake, draft, manifest)
        if other is None:
            _put_version(lake, draft, manifest, files)
            lake.write(lake.place(cell, MANIFEST), manifest.model_dump_json(indent=1))
    _record(lake, draft, manifest, superseded=other is not None)
    return other or manifest


def _same_by_another(lake: Lake, draft: Draft, manifest: Manifest) -> Manifest | None:
    """Return the manifest of another writer who made the same cell since the draft was begun."""
    if standing_version(lake, draft.cell) in (None, draft.replaces):
        return None
    standing = lake.require(draft.cell)
    return standing if standing.fingerprint == manifest.fingerprint else None


def _put_version(lake: Lake, draft: Draft, manifest: Manifest, files: dict[str, Path]) -> None:
    """Put a version and its manifest into the cell's folder; it is whole, and does not stand yet."""
    place = lake.place(draft.cell, manifest.version)
    if lake.is_local:
        _move_into_place(draft.folder, list(files.values()), Path(place))
    else:
        for name, path in files.items():
            lake.filesystem.put_file(str(path), f"{place}/{name}")
    lake.write(f"{place}.json", manifest.model_dump_json(indent=1))


def _move_into_place(folder: Path, files: list[Path], target: Path) -> None:
    for path in files:
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    for subfolder in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        sync_folder(subfolder)
    folder.replace(target)
    sync_folder(target.parent)


def _record(lake: Lake, draft: Draft, manifest: Manifest, *, superseded: bool) -> None:
    attempt = ledger.Attempt(
        asset=manifest.asset,
        partition=manifest.partition,
        fingerprint=manifest.fingerprint,
        outcome="superseded" if superseded else "made",
        began_at=draft.began_at,
        seconds=manifest.seconds,
        version=None if superseded else manifest.version,
        device=manifest.provenance.device if manifest.provenance else "",
    )
    ledger.record(lake, manifest.recipe, attempt)


def sweep(lake: Lake) -> list[str]:
    """Remove what crashed writers left: drafts, half-replaced files, versions that are not whole. Return their paths.

    What a living writer holds is left alone, so that it may run beside any of them. The cost of killed attempts goes into the ledger.
    """
    removed = _sweep_drafts(lake)
    if lake.is_local:
        for folder, _ in lake.walk(lake.root):
            removed += _sweep_cell(Path(folder))
    return sorted(removed)


def _sweep_drafts(lake: Lake) -> list[str]:
    removed: list[str] = []
    living: set[str] = set()
    for path, lives in signs_of_life(lake.drafts):
        if lives:
            living.add(path.name.removesuffix(LOCK))
            continue
        _record_killed(lake, path)
        path.unlink(missing_ok=True)
    for folder in lake.drafts.glob("*"):
        if folder.is_dir() and folder.name not in living and not is_locked(folder.with_name(folder.name + LOCK)):
            shutil.rmtree(folder)
            removed.append(str(folder))
    return removed


def _record_killed(lake: Lake, sign: Path) -> None:
    """Put down what an attempt cost whose process is gone: the time from its beginning to the last file that it wrote."""
    words = read_words(sign)
    if not words:
        return
    folders = [sign.with_name(sign.name.removesuffix(LOCK)), *([Path(words["scratch"])] if words.get("scratch") else [])]
    touched = [path.stat().st_mtime for path in [sign, *(found for folder in folders for found in folder.rglob("*"))]]
    attempt = ledger.Attempt(
        asset=words["asset"],
        partition=words["partition"],
        fingerprint=words["fingerprint"],
        outcome="killed",
        began_at=words["began_at"],
        seconds=max(0.0, max(touched) - words["began_at"]),
    )
    ledger.record(lake, words["recipe"], attempt)


def _sweep_cell(folder: Path) -> list[str]:
    """Remove the half-written pieces of one folder, unless a writer is at work in it."""
    half = [path for path in folder.glob(".*.json.*") if path.is_file()]
    half += [path for path in folder.glob(f"{VERSION_PREFIX}*") if path.is_dir() and not is_whole(path)]
    if not half or is_locked(folder / LOCK):
        return []
    for path in half:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return [str(path) for path in half]


def is_whole(version_folder: Path) -> bool:
    """Return whether a local version was put down whole: its manifest stands beside it, or the cell's own names it."""
    if version_folder.with_name(f"{version_folder.name}.json").exists():
        return True
    manifest = version_folder.with_name(MANIFEST)
    return manifest.exists() and f'"{version_folder.name}"' in manifest.read_text()
