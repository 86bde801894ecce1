"""A process that is asked to end (SIGTERM) and does so where it can."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Ending:
    """While it is entered, SIGTERM is noted and ends nothing. Only the main thread may be told of signals: in others nothing is ever asked."""

    def __init__(self) -> None:
        """Nothing has been asked."""
        self.is_asked = False
        self._before: Any = None
        self._listens = False

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._listens = threading.current_thread() is threading.main_thread()
        if self._listens:
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Have the signal do what it did before."""
        if self._listens:
            signal.signal(signal.SIGTERM, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.is_asked = True
