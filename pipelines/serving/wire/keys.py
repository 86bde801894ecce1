"""The keys by which clients are known. Only their digests are kept, and all are compared, each in constant time."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from pathlib import Path

KEY_VARIABLE = "MILL_API_KEY"
_LEAST_CHARS = 16


class Keys:
    """None at all lets everybody in."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys. Raises ValueError: one is too short to keep anybody out."""
        if any(len(key) < _LEAST_CHARS for key in keys):
            raise ValueError(f"a key has fewer than {_LEAST_CHARS} characters; make one with: openssl rand -hex 32")
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def owner(self, given: str | None) -> str | None:
        """Return whose key was given, None where it is nobody's."""
        digest = hashlib.sha256((given or "").encode("utf-8", "surrogateescape")).digest()
        same = [hmac.compare_digest(digest, known) for known in self._digests]
        return f"key {same.index(True) + 1}" if True in same else None


def find_keys(file: Path | None, environment: Mapping[str, str]) -> Keys:
    """Return the keys of a file, one a line, and of the variable `KEY_VARIABLE`.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: the file has none, or a key is too short.
    """
    lines = [] if file is None else [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    if file is not None and not lines:
        raise ValueError(f"{file}: has no key; write one a line")
    given = environment.get(KEY_VARIABLE)
    return Keys([*lines, *([given] if given else [])])


def key_given(headers: Mapping[str, str]) -> str | None:
    """Return the key of a request: ``Authorization: Bearer`` (OpenAI) or ``x-api-key`` (Anthropic)."""
    kind, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else headers.get("x-api-key")
