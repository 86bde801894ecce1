"""A thread that says so when training stands still: a process that waits for another, or a disk that does not answer, raises no error."""

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

NUM_DURATIONS = 128
"""Steps that the median is of."""
LOOKS_A_STALL = 10
"""Times that the thread looks within the shortest stall."""


class Watchdog:
    """Says once that no step ends, and once that steps end again. It changes nothing in the training."""

    def __init__(
        self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic, min_seconds: float = 60.0, factor: float = 10.0
    ) -> None:
        """Count from now on.

        Args:
            say: what is told.
            clock: seconds.
            min_seconds: no stall is shorter.
            factor: nor shorter than so many steps by their median.
        """
        self._say, self._clock, self._min_seconds, self._factor = say, clock, min_seconds, factor
        self._durations: deque[float] = deque(maxlen=NUM_DURATIONS)
        self._last = clock()
        self._has_told = False
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        """Start to look, in a thread."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop to look; the thread has ended."""
        self._stopped.set()
        self._thread.join()

    def beat(self) -> None:
        """Tell that a step has ended."""
        with self._lock:
            now = self._clock()
            seconds, self._last = now - self._last, now
            had_told, self._has_told = self._has_told, False
            if not had_told:  # a stall is no measure of a step
                self._durations.append(seconds)
        if had_told:
            self._say(f"training goes on after {seconds:.0f} s")

    def look(self) -> None:
        """Say that training stands still, where it does and this was not said yet."""
        with self._lock:
            seconds = self._clock() - self._last
            median = statistics.median(self._durations) if self._durations else None
            if self._has_told or seconds < max(self._min_seconds, self._factor * (median or 0)):
                return
            self._has_told = True
        usual = "the first has not ended" if median is None else f"a step takes {median:.2g} s"
        self._say(f"no step has ended for {seconds:.0f} s, where {usual}; training stands still or waits for something")

    def _watch(self) -> None:
        while not self._stopped.wait(self._min_seconds / LOOKS_A_STALL):
            self.look()
