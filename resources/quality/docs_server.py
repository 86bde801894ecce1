"""A static file server for Data Docs, on this machine only: ``python -m resources.quality.docs_server SITE PORT``."""

import contextlib
import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of every answer."""


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a request served is no news."""

    def end_headers(self) -> None:
        """Let a page use the site's own files and nothing else, not even what stands in the page: a raw one runs scripts and asks foreign hosts."""
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()


def serve(site: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the files below ``site``, bound to the loopback address; the caller runs ``serve_forever``.

    Raises:
        FileNotFoundError: ``site`` is not a folder.
    """
    if not site.is_dir():
        raise FileNotFoundError(f"{site}: no such folder; Data Docs are written by the first suite that runs")
    return ThreadingHTTPServer(("127.0.0.1", port), functools.partial(_QuietHandler, directory=str(site.resolve())))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m resources.quality.docs_server SITE PORT")
    with serve(Path(sys.argv[1]), int(sys.argv[2])) as server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
