"""A static file server for Data Docs, on this machine only: ``python -m resources.quality.docs_server SITE PORT``.

It answers GET and HEAD with files that lie below the site, links out of it aside, and only to whoever asks for this machine by its name: a page
of another site whose name was turned to this address (DNS rebinding) is refused.
"""

import contextlib
import functools
import sys
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

from resources.quality.data_docs_style import POLICY

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class _QuietHandler(SimpleHTTPRequestHandler):
    server_version, sys_version = "DataDocs", ""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a request served is no news."""

    def version_string(self) -> str:
        """Return what the server calls itself."""
        return self.server_version

    def end_headers(self) -> None:
        """Let a page use the site's own files and nothing else, not even what stands in the page: a raw one runs scripts and asks foreign hosts."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def parse_request(self) -> bool:
        """Refuse what is not asked of this machine by its name, and what is no question."""
        if not super().parse_request():
            return False
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not _is_this_machine(hosts[0]):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "ask for 127.0.0.1 or localhost")
            return False
        if self.command not in ("GET", "HEAD"):
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
            return False
        return True

    def send_head(self) -> Any:
        """Send a file's head, where the file lies below the site, no name on its way is hidden, and no link leads out."""
        site, asked = Path(self.directory).resolve(), Path(self.translate_path(self.path))
        try:
            found = asked.resolve(strict=True)
            inside = found.is_relative_to(site) and not any(part.startswith(".") for part in found.relative_to(site).parts)
        except (OSError, RuntimeError, ValueError):  # not there, a circle of links, a name with a NUL
            inside = False
        if not inside:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> BytesIO | None:
        """Show no list of a folder's files."""
        self.send_error(HTTPStatus.NOT_FOUND)
        return None


def _is_this_machine(host: str) -> bool:
    """Return whether the ``Host`` of a request names this machine, with or without a port."""
    name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    name = (name if colon else host).lower()
    return name in HOSTS and (not colon or (port.isascii() and port.isdecimal()))


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
