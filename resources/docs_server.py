"""A static file server for Data Docs, on this machine only: ``python -m resources.docs_server SITE PORT``."""

import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a request served is no news."""


def serve(site: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the files below ``site``, bound to the loopback address; the caller runs ``serve_forever``."""
    return ThreadingHTTPServer(("127.0.0.1", port), functools.partial(_QuietHandler, directory=str(site)))


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2])).serve_forever()
