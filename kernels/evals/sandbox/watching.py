"""Reads what programs write without end in bounded memory, until their first process tells how they ended or their time is over."""

import os
import select
import socket
import time
from collections.abc import Sequence

_CHUNK_BYTES = 1 << 16


class Stream:
    """The reading end of a pipe, of which ``num_first`` bytes or a little more are kept in ``first``, and ``num_last`` in ``last``."""

    def __init__(self, end: int, num_first: int = 0, num_last: int = 0) -> None:
        self.end = end
        self.first = bytearray()
        self.last = bytearray()
        self._num_first = num_first
        self._num_last = num_last

    def read(self) -> bool:
        """Read what there is, waiting where there is nothing; return whether more may come."""
        chunk = os.read(self.end, _CHUNK_BYTES)
        if len(self.first) < self._num_first:
            self.first += chunk
        self.last += chunk
        del self.last[: max(0, len(self.last) - self._num_last)]
        return bool(chunk)

    def read_all(self) -> None:
        """Read to the end, which is there when all writers are gone."""
        while self.read():
            pass


def watch(channel: socket.socket, streams: Sequence[Stream], deadline: float) -> bytes | None:
    """Read the streams until a message comes by the channel, and return it: empty where its other end is gone, None after the deadline.

    ``deadline`` is in seconds of the monotonic clock.
    """
    by_end = {stream.end: stream for stream in streams}
    waiting = select.poll()
    for end in (channel.fileno(), *by_end):
        waiting.register(end, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        for end, _ in waiting.poll(left * 1000):
            if end == channel.fileno():
                return channel.recv(_CHUNK_BYTES)
            if not by_end[end].read():
                waiting.unregister(end)
    return None
