"""Hostile bodies are refused, and cost nothing else."""

import socket
from collections.abc import Iterator

import pytest

from kernels.models.formats.checkpoints import LanguageModel
from tests.pipelines.serving.house import House, Shelved, opened

PATH, JSON = "/v1/completions", {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def small(lm: LanguageModel) -> Iterator[House]:
    with opened([Shelved("tiny", lm)], most_body_bytes=10_000) as found:
        yield found
        assert found.post(PATH, {"model": "tiny", "prompt": "a", "max_tokens": 1}).status_code == 200 and found.check_pages() == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"null", "must be a JSON object"),
        (b"[1]", "must be a JSON object"),
        (b'{"a": NaN}', "no JSON"),
        (b'{"a": "\xff"}', "no JSON"),
        (b'{"model": "tiny", "prompt": "\\ud800"}', "no JSON"),
        (b'{"model": ' + b"[" * 4000 + b"]" * 4000 + b"}", "no JSON"),
        (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "more than 64"),
        (b'{"a": ' + b'{"a": ' * 70 + b"1" + b"}" * 71, "more than 64"),
        (b'{"model": "tiny", "prompt": "a", "seed": 1' + b"0" * 5000 + b"}", ""),
        (b'{"model": {"$ref": "#"}, "prompt": "a"}', "model"),
        (b'{"model": "tiny", "prompt": "a", "__class__": "x"}', "__class__"),
    ],
)
def test_what_is_no_request_is_refused(small: House, body: bytes, words: str) -> None:
    with small.client() as client:
        response = client.post(PATH, content=body, headers=JSON)
    assert response.status_code == 400 and words in response.json()["error"]["message"]


@pytest.mark.parametrize("prompt", ["", "\x00", "\x7f<|im_end|>", "\u202e\ufeff", "\U0010ffff" * 9, "{{ 7*7 }}{% raise %}", "<script>"])
def test_whatever_a_text_holds_it_is_a_text(small: House, prompt: str) -> None:
    asked = {"model": "tiny", "prompt": prompt, "max_tokens": 2, "echo": True, "temperature": 0}
    assert small.post(PATH, asked).json()["choices"][0]["text"].startswith(prompt)
    said = small.post("/v1/chat/completions", {"model": "tiny", "messages": [{"role": "user", "content": prompt}], "max_tokens": 2})
    assert said.status_code == 200, said.text


def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not(small: House) -> None:
    with small.client() as client:
        assert client.post(PATH, content=b" " * 10_001, headers=JSON).status_code == 413
        assert client.post(PATH, content=iter([b" " * 6000] * 3), headers=JSON).status_code == 413
    with socket.create_connection(("127.0.0.1", small.port), 10) as connection:
        connection.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_come_is_not_waited_for(small: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.serving.wire.bodies.BODY_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", small.port), 10) as connection:
        connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "head", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_http_is_refused(small: House, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", small.port), 10) as connection:
        try:
            connection.sendall(head)
            answer = connection.recv(100)
        except ConnectionError:
            return
    assert answer.startswith(b"HTTP/1.1 4") or answer == b""
