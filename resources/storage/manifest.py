"""What stands beside the files of a cell: its manifest, and the verdicts on it."""

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from resources.storage.content import hash_json, hash_text

SCHEMA_VERSION = 2


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


class Provenance(BaseModel):
    """With what a cell was made. None of it is part of its identity."""

    model_config = ConfigDict(frozen=True)
    commit: str | None
    """Of modelmill's own sources; None where they are not a git checkout."""
    python: str
    libraries: dict[str, str]
    """Versions of what can change bytes, by distribution."""
    device: str


class KeptVersion(BaseModel):
    """A version of another cell that a cell names, and that must stay as long as it does."""

    model_config = ConfigDict(frozen=True)
    asset: str
    partition: str | None
    version: str


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
    unhashed: dict[str, str] = {}
    """Files that are no part of the content, and the hash of their bytes."""
    made_at: float
    seconds: float
    seed: int | None = None
    """Of what was drawn by chance, where anything was."""
    provenance: Provenance | None = None
    keeps: list[KeptVersion] = []
    metadata: dict[str, Any]

    @property
    def cell(self) -> Cell:
        """The cell that it is of."""
        return Cell(self.recipe, self.asset, self.partition)


class Verdict(BaseModel):
    """What one check said of one content of a cell, given all else that it read."""

    model_config = ConfigDict(frozen=True)
    content: str
    version: str
    reads: str = ""
    """Digest of the contents of other cells that the judge read."""
    passed: bool
    blocking: bool
    description: str
    metadata: dict[str, Any] = {}


def fingerprint(code_version: str, config: dict[str, Any], parents: list[Parent]) -> str:
    """Return the identity of what a cell is to be made from; a stored one that differs makes the cell stale."""
    return hash_text(code_version, hash_json(config), *(part for parent in parents for part in (parent.name, parent.content)))
