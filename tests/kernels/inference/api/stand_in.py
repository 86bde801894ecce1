"""An API that answers what a test has it answer, and remembers what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

LISTED = {"data": [{"id": "far", "created": 1, "version": "v1"}]}


class Reply(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str] = {}  # noqa: RUF012


class StandIn(ThreadingHTTPServer):
    """Gives the replies of a path in turn, the last one for ever."""

    def __init__(self, **replies: list[Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.replies = {"models": [Reply(200, LISTED)], **replies}
        self.asked: list[tuple[str, Any, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Answer(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body: Any) -> None:
        name = self.path.removeprefix("/v1/").replace("/", "_")
        self.server.asked.append((name, body, self.headers.get("Authorization")))
        replies = self.server.replies.get(name, [Reply(404, "no such path")])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        content = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
        self.send_response_only(reply.status)
        for header, value in {"Content-Length": str(len(content)), **reply.headers}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def standing_in(**replies: list[Reply]) -> Iterator[StandIn]:
    server = StandIn(**replies)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
