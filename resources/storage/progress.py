"""What a run tells whoever watches it in the same process: cells begun, advanced, ended. The event log stays Dagster's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from resources.storage.manifest import Cell


class Progress(NamedTuple):
    """One thing that happened to a cell. ``step`` and ``num_steps`` count within it, where it counts."""

    cell: Cell
    kind: str
    """``begun``, ``advanced``, ``made``, ``unchanged``, ``failed``, ``passed`` or ``blocked``."""
    message: str = ""
    step: int = 0
    num_steps: int = 0


Listener = Callable[[Progress], None]
_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call ``listener`` with all progress while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(progress: Progress) -> None:
    """Pass progress on to the listeners."""
    for listener in _listeners:
        listener(progress)
