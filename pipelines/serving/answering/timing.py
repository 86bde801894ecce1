"""How long requests and their tokens take."""

import time

from kernels.inference.asking import Piece
from pipelines.serving.answering.outlets import Outlet
from pipelines.serving.metrics import Metrics

_REMEMBERED = 16
"""Requests of about which the mean is."""


class Timing:
    """Of one model."""

    def __init__(self, name: str, metrics: Metrics) -> None:
        """Know of no request."""
        labelled = (metrics.first_token, metrics.next_token)
        self._first, self._next = (each.labels(name) for each in labelled)
        self._made = metrics.tokens_made.labels(name)
        self._last: dict[tuple[int, int], float] = {}
        self.mean_seconds = 1.0
        """Of a request, the last ones counting most."""

    def note(self, outlet: Outlet, piece: Piece) -> None:
        """Take note of what came to an answer."""
        if piece.told is None:
            return
        now, key = time.perf_counter(), (piece.request, piece.answer)
        before = self._last.get(key)
        if before is None:
            self._first.observe(now - outlet.began)
        else:
            self._next.observe(now - before)
        self._last[key] = now
        self._made.inc()

    def end(self, outlet: Outlet) -> None:
        """Take note that a request is over."""
        assert outlet.number is not None
        for answer in range(outlet.asked.num_answers):
            self._last.pop((outlet.number, answer), None)
        if not outlet.num_left:
            self.mean_seconds += (time.perf_counter() - outlet.began - self.mean_seconds) / _REMEMBERED
