"""The ledger of a recipe: a line for every attempt at a cell, whatever became of it. Lines are added and never changed.

An object store cannot append, so there each line is an object of its own below ``ledger/``.
"""

import fcntl
import json
import os
import time
import uuid
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict

from resources.storage.lake import Lake

Outcome = Literal["made", "failed", "killed", "superseded"]
FILE, FOLDER = "ledger.jsonl", "ledger"


class Attempt(BaseModel):
    """One attempt at a cell. ``superseded``: another writer had made the same cell meanwhile."""

    model_config = ConfigDict(frozen=True)
    asset: str
    partition: str | None
    fingerprint: str
    outcome: Outcome
    began_at: float
    seconds: float
    version: str | None = None
    """Of what was made."""
    device: str = ""
    reason: str = ""


def record(lake: Lake, recipe: str, attempt: Attempt) -> None:
    """Add an attempt."""
    line = attempt.model_dump_json()
    if not lake.is_local:
        lake.write(f"{lake.root}/{recipe}/{FOLDER}/{time.time_ns()}-{uuid.uuid4().hex[:8]}.json", line)
        return
    path = Path(lake.root) / recipe / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        _drop_torn_line(stream)
        stream.write(f"{line}\n".encode())


def _drop_torn_line(stream: IO[bytes]) -> None:
    """Cut what a crash or a full disk left of a last line, so that the next does not join it."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 1))
    if stream.read() not in (b"", b"\n"):
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)


def read(lake: Lake, recipe: str) -> list[Attempt]:
    """Return all attempts in order. A line that a crash cut off is left out.

    Raises:
        ValueError: a line in the middle is not an attempt (names file and line).
    """
    if lake.is_local:
        text = lake.read_state(recipe, FILE) or ""
        lines = text.split("\n")[:-1]
    else:
        folder = f"{lake.root}/{recipe}/{FOLDER}"
        lines = [lake.read(f"{folder}/{name}") or "" for name in lake.names(folder)]
    attempts: list[Attempt] = []
    for number, line in enumerate(lines, 1):
        try:
            attempts.append(Attempt.model_validate(json.loads(line)))
        except ValueError as error:
            raise ValueError(f"{lake.root}/{recipe}/{FILE}:{number}: not an attempt ({error}); remove the line") from error
    return attempts
