"""The process that serves: its socket, its connections and its end.

The first SIGTERM or SIGINT has nothing more taken on and what is under way finished, within a time of grace; a second one, or the end of that time,
ends it at once.
"""

import asyncio
import ipaddress
import logging
import socket
from asyncio import TimerHandle
from collections.abc import Callable, Coroutine, Sequence
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipelines.serving.application import application
from pipelines.serving.models.offers import Offers, load
from pipelines.serving.models.served import Settings
from pipelines.serving.serving import Serving
from pipelines.serving.taking_over import Watch
from pipelines.serving.wire.faults import Refused

STALL_SECONDS = 30.0
"""After which a client is cut off that takes nothing of what is sent, or does not come to the end of what a request begins with."""
MOST_CONNECTIONS = 1024
MOST_HEAD_BYTES = 32_768
"""Of a request's line and headers."""
_GRACE_TURN_SECONDS = 0.05
_CLOSE_SECONDS = 5
"""What connections that are left have, once nothing is under way."""
_log = logging.getLogger(__name__)


class Connection(H11Protocol):
    """A connection that nobody can keep by doing nothing."""

    _stall: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client time to ask."""
        super().connection_made(transport)
        self._begin_to_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what comes; once a request has begun, its own route waits for the rest."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            if not self.flow.write_paused:
                self._wait_no_more()
        elif self._stall is None:
            self._begin_to_wait()

    def pause_writing(self) -> None:
        """Give the client time to take what was sent."""
        super().pause_writing()
        self._begin_to_wait()

    def resume_writing(self) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().resume_writing()

    def _begin_to_wait(self) -> None:
        self._wait_no_more()
        self._stall = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


class Server(uvicorn.Server):
    """Serves until a signal, and then until nothing is under way."""

    def __init__(self, serving: Serving, grace_seconds: float, watch: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Take what is served, how long what is under way has when it is to end, and what goes on beside requests."""
        config = uvicorn.Config(
            application(serving, watch),
            http=Connection,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
            timeout_keep_alive=int(STALL_SECONDS),  # more than clients keep what nobody uses, lest both take and leave it at once
            timeout_graceful_shutdown=_CLOSE_SECONDS,
        )
        super().__init__(config)
        self._serving, self._grace_seconds = serving, grace_seconds
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on sockets."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end, or end."""
        if self._serving.is_draining or self._loop is None:
            self.should_exit = self.force_exit = True
            return
        self._loop.call_soon_threadsafe(self.drain)

    def drain(self) -> None:
        """Take nothing more on, and end when what is under way has ended."""
        if self._draining is None:
            self._serving.is_draining = True
            self._draining = asyncio.get_running_loop().create_task(self._drained())

    async def _drained(self) -> None:
        count = self._serving.num_under_way
        _log.info("ending: %d requests are under way", count)
        try:
            async with asyncio.timeout(self._grace_seconds):
                while self._serving.num_under_way:
                    await asyncio.sleep(_GRACE_TURN_SECONDS)
        except TimeoutError:
            _log.warning("ending: %d requests did not end within %g s, and are cut off", self._serving.num_under_way, self._grace_seconds)
            self._serving.shelf.fail_all(Refused(503, "the server ends, and the answer with it; ask again later"))
        self.should_exit = True


async def serve_models(
    serving: Serving,
    offers: Offers,
    names: Sequence[str],
    settings: Settings,
    sock: socket.socket,
    grace_seconds: float,
    watch_seconds: float,
    ready: Callable[[], None],
) -> None:
    """Load models and serve them until a signal.

    Args:
        serving: the server's state.
        offers: where the models are.
        names: of the models.
        settings: how they are served.
        sock: that listens.
        grace_seconds: for what is under way when the server is to end.
        watch_seconds: how often newer versions are looked for.
        ready: called once all are loaded.

    Raises:
        FileNotFoundError: a model has not been made.
        ValueError: one failed its checks, or they have not run (says which).
    """
    for name in names:
        offer = offers.of(name)
        if offer.fault or offer.waits_for:
            raise ValueError(f"{name} is not served: {offer.fault or f'nothing has been found yet by {offer.waits_for}'}")
        serving.shelf.put(load(offers.lake, name, offer.manifest, settings, serving.metrics))
    watch = Watch(serving, offers, names, settings, watch_seconds)
    server = Server(serving, grace_seconds, watch.forever)
    ready()
    await server.serve([sock])


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address. Raises ValueError: there is no such address."""
    try:
        found = {str(address[4][0]) for address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except socket.gaierror as error:
        raise ValueError(f"{host!r} is no address of this machine ({error.strerror}); take 127.0.0.1, or one that it has") from error
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises OSError: the address cannot be had."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    found = socket.socket(family, kind, proto)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(MOST_CONNECTIONS)
    except OSError:
        found.close()
        raise
    return found
