"""Which keys a file has had: in memory while they are few, then in a temporary database on disk, so that memory stays bounded."""

import sqlite3
from contextlib import closing
from types import TracebackType
from typing import Self

import xxhash

MAX_IN_MEMORY = 1_000_000
"""Keys held in memory (about 70 MB of hashes) before they move to disk."""

_SIGN = 1 << 63


def scratch_database() -> sqlite3.Connection:
    """Return an empty database that sqlite keeps in a file of its own past its cache and deletes when it is closed."""
    database = sqlite3.connect("", isolation_level=None)
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
        database.execute(f"PRAGMA {setting}").close()
    return database


def text_key(text: str) -> str:
    """Return the key of a record that has no id: a hash of its text, which does not move when other records are added."""
    return xxhash.xxh3_64_hexdigest(text.encode("utf-8"))


class SeenKeys:
    """A set of keys, by 64-bit hash: of ten million keys, two are taken for one with a chance of about 3 in a million."""

    def __init__(self, max_in_memory: int = MAX_IN_MEMORY) -> None:
        """Begin with none."""
        self._max_in_memory = max_in_memory
        self._hashes: set[int] = set()
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._database is not None:
            self._database.close()

    def add(self, key: str) -> bool:
        """Add a key; return whether it is new."""
        hashed = xxhash.xxh3_64_intdigest(key.encode("utf-8")) - _SIGN
        if self._database is not None:
            with closing(self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (hashed,))) as cursor:
                return cursor.rowcount == 1
        if hashed in self._hashes:
            return False
        self._hashes.add(hashed)
        if len(self._hashes) > self._max_in_memory:
            self._move_to_disk()
        return True

    def _move_to_disk(self) -> None:
        self._database = scratch_database()
        self._database.execute("CREATE TABLE seen (hash INTEGER PRIMARY KEY)").close()
        self._database.executemany("INSERT INTO seen VALUES (?)", ((hashed,) for hashed in sorted(self._hashes))).close()
        self._hashes.clear()
