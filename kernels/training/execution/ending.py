"""A process that is asked to end (SIGTERM, or Ctrl-C) and does so where it can."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

ASKING = (signal.SIGTERM, signal.SIGINT)


class Ending:
    """While it is entered, what asks the process to end is noted and ends nothing; asked by the same signal twice, it ends as it did before.

    Only the main thread may be told of signals: in others nothing is ever asked.
    """

    def __init__(self) -> None:
        """Nothing has been asked."""
        self._asked: set[int] = set()
        self._before: dict[int, Any] = {}

    @property
    def is_asked(self) -> bool:
        """Whether the process is asked to end."""
        return bool(self._asked)

    def __enter__(self) -> Self:
        """Begin to listen."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in ASKING}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Have the signals do what they did before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number in self._asked:
            signal.signal(number, self._before[number])
            signal.raise_signal(number)
        self._asked.add(number)
