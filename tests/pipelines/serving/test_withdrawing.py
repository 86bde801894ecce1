"""Clients that go, that do not read and that ask too much cost nobody else anything."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from kernels.models.formats.checkpoints import LanguageModel
from pipelines.serving.answering.worker import Limits
from tests.pipelines.serving.house import House, Shelved, opened

LONG = {"model": "tiny", "prompt": "a", "max_tokens": 700, "n": 8, "seed": 3}
SHORT = {"model": "tiny", "prompt": "a", "max_tokens": 2}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.01)


def num_running(house: House) -> int:
    return house.serving.shelf.get("tiny").worker.load.num_running


def test_a_client_that_leaves_a_stream_frees_its_pages(house: House) -> None:
    with house.client() as client, client.stream("POST", "/v1/completions", json={**LONG, "stream": True}) as response:
        next(response.iter_lines())
        assert num_running(house) == 1
    wait_for(lambda: num_running(house) == 0)
    assert house.check_pages() == 0


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_a_client_that_does_not_wait_for_the_whole_frees_its_pages(house: House, path: str) -> None:
    asked = {
        "/v1/completions": LONG,
        "/v1/chat/completions": {"model": "tiny", "messages": [{"role": "user", "content": "a"}], "n": 8, "seed": 3},
        "/v1/messages": {"model": "tiny", "messages": [{"role": "user", "content": "a"}], "max_tokens": 700, "temperature": 0},
        "/v1/responses": {"model": "tiny", "input": "a", "temperature": 0},
    }[path]
    with httpx.Client(base_url=house.url, timeout=0.05) as client, pytest.raises(httpx.ReadTimeout):
        client.post(path, json=asked)
    wait_for(lambda: num_running(house) == 0 and house.serving.num_under_way == 0)
    assert house.check_pages() == 0


def test_a_client_that_goes_before_its_turn_leaves_the_queue(lm: LanguageModel) -> None:
    with opened([Shelved("tiny", lm)], Limits(8, 16, 1)) as house:
        with house.client() as client, client.stream("POST", "/v1/completions", json={**LONG, "stream": True}) as response:
            next(response.iter_lines())
            worker = house.serving.shelf.get("tiny").worker
            with httpx.Client(base_url=house.url, timeout=0.2) as other, pytest.raises(httpx.ReadTimeout):
                other.post("/v1/completions", json=LONG)
            wait_for(lambda: worker.load.num_waiting == 0)
        wait_for(lambda: num_running(house) == 0)
        assert house.check_pages() == 0


def test_too_many_are_refused_with_a_time_to_come_again_and_the_others_answered(lm: LanguageModel) -> None:
    with opened([Shelved("tiny", lm)], Limits(4, 16, 1)) as house:
        found: list[httpx.Response] = []
        threads = [threading.Thread(target=lambda: found.append(house.post("/v1/completions", {**LONG, "max_tokens": 60}))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = [response.status_code for response in found]
        assert set(statuses) == {200, 429} and statuses.count(200) >= 2
        refused = next(response for response in found if response.status_code == 429)
        assert int(refused.headers["retry-after"]) >= 1 and refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert house.post("/v1/completions", SHORT).status_code == 200 and house.check_pages() == 0


def test_one_who_reads_nothing_is_cut_off_and_holds_nobody_up(lm: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.serving.server.STALL_SECONDS", 1.0)
    with opened([Shelved("tiny", lm)]) as house, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", house.port))
        asked = {"model": "tiny", "messages": [{"role": "user", "content": "a"}], "n": 16, "logprobs": True, "top_logprobs": 20, "seed": 3}
        body = json.dumps({**asked, "stream": True}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        deaf.sendall(head % len(body) + body)
        wait_for(lambda: num_running(house) == 1)
        assert house.post("/v1/completions", SHORT).status_code == 200
        wait_for(lambda: house.serving.num_under_way == 0)
        assert house.check_pages() == 0


def test_more_than_may_lie_unread_ends_the_request(lm: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.serving.answering.outlets.MOST_UNREAD_TOKENS", 2)
    with opened([Shelved("tiny", lm)]) as house:
        told = house.post("/v1/completions", {**LONG, "n": 16})
        assert told.status_code == 408 and "not read" in told.json()["error"]["message"] and house.check_pages() == 0


def test_one_who_never_ends_his_request_is_cut_off(lm: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.serving.server.STALL_SECONDS", 0.3)
    with opened([Shelved("tiny", lm)]) as house:
        for begun in (b"", b"POST /v1/completions HT"):
            with socket.create_connection(("127.0.0.1", house.port), 10) as connection:
                connection.sendall(begun)
                with contextlib.suppress(ConnectionResetError):
                    assert connection.recv(100) == b""
