"""What a child says through Dagster Pipes, read at leisure: Dagster's own reader looks for a line a hundred times a second, however long it runs."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import dagster as dg
from dagster_pipes import PipesDefaultMessageWriter, PipesParams

from resources.devices.following import follow


class MessageReader(dg.PipesMessageReader):
    """Reads the file that the child's default writer appends messages to."""

    def __init__(self, path: Path) -> None:
        """Read a file that is emptied first."""
        self._path = path

    @contextmanager
    def read_messages(self, handler: dg.PipesMessageHandler) -> Iterator[PipesParams]:
        """Pass messages on meanwhile; yield what the child's writer is told."""
        self._path.write_text("")
        done = threading.Event()
        reader = threading.Thread(target=self._read, args=(handler, done), daemon=True)
        reader.start()
        try:
            yield {PipesDefaultMessageWriter.FILE_PATH_KEY: str(self._path)}
        finally:
            done.set()
            reader.join()

    def no_messages_debug_text(self) -> str:
        """Return where messages were looked for."""
        return f"Attempted to read messages from {self._path}."

    def _read(self, handler: dg.PipesMessageHandler, done: threading.Event) -> None:
        try:
            follow(self._path, 0, done, cast(Any, handler).handle_message)
        except Exception:
            handler.report_pipes_framework_exception("reading what the child says", sys.exc_info())
            raise
