"""Talk between nodes: one JSON object a line over a TCP connection. What is sent never runs."""

import json
import socket
from typing import Any

MOST_BYTES = 1 << 20
"""Of a line."""


class Line:
    """One end of a connection. `multiprocessing.connection.wait` takes it: it is ready when something came, or when the other end is gone."""

    def __init__(self, connected: socket.socket) -> None:
        """Take a connection over."""
        self._socket = connected
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, seconds in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):  # a node that lost its power is gone in 20 s
            if hasattr(socket, option):
                self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
        self._came = b""

    def fileno(self) -> int:
        """Return the descriptor that becomes readable."""
        return self._socket.fileno()

    @property
    def address(self) -> str:
        """The address that the other end knows us by."""
        return str(self._socket.getsockname()[0])

    def send(self, **words: Any) -> None:
        """Say something. Raises OSError: the other end is gone."""
        self._socket.sendall(json.dumps(words).encode() + b"\n")

    def receive(self, seconds: float | None = None) -> dict[str, Any] | None:
        """Return what the other end says next, None when it is gone, says no more in some seconds, or says what is no object."""
        self._socket.settimeout(seconds)
        try:
            while b"\n" not in self._came:
                found = self._socket.recv(1 << 16)
                if not found or len(self._came) > MOST_BYTES:
                    return None
                self._came += found
        except OSError:
            return None
        finally:
            self._socket.settimeout(None)
        line, _, self._came = self._came.partition(b"\n")
        try:
            words = json.loads(line)
        except ValueError:
            return None
        return words if isinstance(words, dict) else None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
