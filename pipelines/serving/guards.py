"""Who is let in, before any route: by the name that the server was called by, by where a page came from, and by key.

A page of another site cannot reach a server of this machine: not by a name of its own that it has point here (DNS rebinding), since only names of
this machine are answered, nor by its own address, since what it sends says where it is from, and no leave is given to others (no CORS).
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.serving.serving import CLIENT, USED, Serving
from pipelines.serving.wire.faults import Refused
from pipelines.serving.wire.keys import key_given

OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_OPEN = ("/", "/health")
_OPEN_FOLDER = "/pages/"
_WHILE_DRAINING = ("/health", "/metrics")


class Guard:
    """Stands before all routes."""

    def __init__(self, app: ASGIApp, serving: Serving, paths: frozenset[str]) -> None:
        """Take what is guarded, and the paths that there are, by which requests are counted."""
        self._app, self._serving, self._paths = app, serving, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in or refuse it, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-content-type-options", b"nosniff")]
            await send(message)

        self._serving.num_under_way += 1
        scope[USED] = []
        try:
            try:
                scope[CLIENT] = self._let_in(scope)
            except Refused as refused:
                await refused.response(scope["path"])(scope, receive, counted)
            else:
                await self._app(scope, receive, counted)
        finally:
            self._serving.num_under_way -= 1
            for served in scope[USED]:
                served.let_go()
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._serving.metrics.requests.labels(path, status).inc()

    def _let_in(self, scope: Scope) -> str:
        """Return who asks. Raises Refused: he is not let in."""
        headers, path = Headers(scope=scope), scope["path"]
        host = headers.get("host", "")
        if self._serving.is_loopback and _name(host) not in OWN_NAMES:
            raise Refused(421, "this server answers by the names of its own machine only, such as localhost")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Refused(403, "pages of other sites may not ask this server")
        if self._serving.is_draining and path not in _WHILE_DRAINING:
            raise Refused(503, "the server is ending; ask again later", headers={"Retry-After": "5", "Connection": "close"})
        address = scope["client"][0] if scope.get("client") else "unknown"
        if not self._serving.keys or path in _OPEN or path.startswith(_OPEN_FOLDER):
            return address
        owner = self._serving.keys.owner(key_given(headers))
        if owner is None:
            words = "no key, or one that is not known; send it as Authorization: Bearer or x-api-key"
            raise Refused(401, words, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})
        return owner


def _name(host: str) -> str:
    """Return the name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
