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


def test_a_link_out_of_the_site_is_not_followed(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "site" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "site" / "folder").symlink_to(tmp_path)
    (tmp_path / "site" / "round").symlink_to(tmp_path / "site" / "round")
    (tmp_path / "site" / ".lock").write_text("hidden")
    (tmp_path / "site" / "own.html").symlink_to(tmp_path / "site" / "index.html")
    for path in ("/link.txt", "/folder/secret.txt", "/folder/", "/round", "/.lock", "/%00"):
        assert get(server, path)[0] == 404, path
    assert get(server, "/own.html") == (200, "<h1>Data Docs</h1>")


def test_a_folder_without_a_page_is_not_listed(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "site" / "deep").mkdir()
    assert get(server, "/deep/")[0] == 404


def answer(server: ThreadingHTTPServer, head: str) -> int:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        return int(connection.recv(4096).split()[1])


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ("Host: 127.0.0.1:3001", 200),
        ("Host: localhost", 200),
        ("Host: [::1]:3001", 200),
        ("Host: evil.example", 421),
        ("Host: 127.0.0.1.evil.example:3001", 421),
        ("Host: localhost:evil", 421),
        ("Host: 127.0.0.1\nHost: evil.example", 421),
        ("Accept: */*", 421),
    ],
)
def test_only_who_asks_for_this_machine_is_answered(server: ThreadingHTTPServer, hosts: str, status: int) -> None:
    assert answer(server, f"GET / HTTP/1.1\n{hosts}") == status


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 405), ("PUT", 405), ("DELETE", 405), ("OPTIONS", 405), ("TRACE", 405)])
def test_only_questions_are_answered(server: ThreadingHTTPServer, method: str, status: int) -> None:
    assert answer(server, f"{method} / HTTP/1.1\nHost: localhost") == status
