"""Data Docs are served to this machine and nobody else."""

import http.client
import socket
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from resources.quality.docs_server import serve


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<h1>Data Docs</h1>")
    (tmp_path / "secret.txt").write_text("secret")
    server = serve(site, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def ask(server: ThreadingHTTPServer, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request("GET", path)
    return connection.getresponse()


def get(server: ThreadingHTTPServer, path: str) -> tuple[int, str]:
    response = ask(server, path)
    return response.status, response.read().decode()


def test_pages_are_served_on_a_free_port(server: ThreadingHTTPServer) -> None:
    assert server.server_port > 0
    assert get(server, "/") == (200, "<h1>Data Docs</h1>")
    assert get(server, "/nothing.html")[0] == 404


def test_nothing_outside_the_site_is_served(server: ThreadingHTTPServer) -> None:
    for path in ("/../secret.txt", "/%2e%2e/secret.txt"):
        status, body = get(server, path)
        assert status == 404 and "secret\n" not in body and body != "secret"


def test_the_server_listens_on_the_loopback_address_alone(server: ThreadingHTTPServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with socket.socket() as other:  # another loopback address stands for any other interface
        other.settimeout(2)
        assert other.connect_ex(("127.0.0.2", server.server_port)) != 0


def test_every_answer_lets_a_page_use_the_sites_own_files_alone(server: ThreadingHTTPServer) -> None:
    own = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
    for path in ("/", "/nothing.html"):
        response = ask(server, path)
        response.read()
        assert response.headers.get_all("Content-Security-Policy") == [own]


def test_a_request_served_is_no_news(server: ThreadingHTTPServer, capfd: pytest.CaptureFixture[str]) -> None:
    get(server, "/")
    assert capfd.readouterr() == ("", "")
