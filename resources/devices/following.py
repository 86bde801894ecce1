"""Follows a file of JSON lines that another process appends to."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.5


def follow(path: Path, position: int, done: threading.Event, take: Callable[[dict[str, Any]], None]) -> None:
    """Pass on each whole line that stands in a file behind a position or is appended to it, until told that no more will come."""
    while True:
        last_round = done.wait(POLL_SECONDS)
        if path.exists():
            with path.open() as stream:
                stream.seek(position)
                for line in stream:
                    if not line.endswith("\n"):
                        break
                    position += len(line.encode())
                    take(json.loads(line))
        if last_round:
            return
