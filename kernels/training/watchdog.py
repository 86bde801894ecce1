"""A thread that says so when training stands still: a process that waits for another, or a disk that does not answer, raises no error.

Where several processes train one model, one that stands still holds all others up: see execution/standing.py.
"""

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from kernels.training.execution.standing import Peers, who_stands, write_standing

NUM_DURATIONS = 128
"""Steps that the median is of."""
PATIENCE = 1.3
"""How many times a stall must last before the first process says who stands still: the others look at clocks of their own."""
LOOKS_A_STALL = 10
"""Times that the thread looks within the shortest stall."""


class Watchdog:
    """Says once that no step ends, and once that steps end again. It changes nothing in the training."""

    def __init__(
        self,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        min_seconds: float = 60.0,
        factor: float = 10.0,
        peers: Peers | None = None,
    ) -> None:
        """Count from now on.

        Args:
            say: what is told.
            clock: seconds.
            min_seconds: no stall is shorter.
            factor: nor shorter than so many steps by their median.
            peers: the processes that train one model; None where one does. It watches the thread that it is made in.
        """
        self._peers, self._watched = peers, threading.get_ident()
        self._has_written = False
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
            had_told, self._has_told, self._has_written = self._has_told, False, False
            if not had_told:  # a stall is no measure of a step
                self._durations.append(seconds)
        if had_told:
            self._say(f"training goes on after {seconds:.0f} s")

    def look(self) -> None:
        """Say that training stands still, where it does and this was not said yet."""
        with self._lock:
            seconds = self._clock() - self._last
            median = statistics.median(self._durations) if self._durations else None
            stall = max(self._min_seconds, self._factor * (median or 0))
            if self._has_told or seconds < stall:
                return
            if self._peers is not None and not self._has_written:
                self._has_written = True
                write_standing(self._peers, self._watched)
            waits_for_words = self._peers is not None and seconds < stall * PATIENCE
            if waits_for_words or (self._peers is not None and self._peers.number):
                return
            self._has_told = True
        usual = "the first has not ended" if median is None else f"a step takes {median:.2g} s"
        why = "training stands still or waits for something" if self._peers is None else who_stands(self._peers, time.time() - seconds)
        self._say(f"no step has ended for {seconds:.0f} s, where {usual}; {why}")

    def _watch(self) -> None:
        while not self._stopped.wait(self._min_seconds / LOOKS_A_STALL):
            self.look()
