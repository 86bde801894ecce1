"""A server that is to end takes nothing more, and finishes what is under way."""

import json
import socket

import httpx
import pytest

from kernels.models.formats.checkpoints import LanguageModel
from pipelines.serving.server import is_loopback, listen
from tests.pipelines.serving.house import Shelved, events_of, opened

ASKED = {"model": "tiny", "prompt": "a", "max_tokens": 300, "n": 8, "seed": 3, "stream": True}


def test_what_is_under_way_is_finished_and_nothing_more_is_taken(lm: LanguageModel) -> None:
    with opened([Shelved("tiny", lm)]) as house:
        with house.client() as client, client.stream("POST", "/v1/completions", json=ASKED) as response:
            lines = response.iter_lines()
            next(lines)
            house.drain()
            refused = house.post("/v1/completions", ASKED)
            assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
            health = house.get("/health")
            assert health.status_code == 503 and health.json()["status"] == "draining"
            events = list(events_of(lines))
        assert events[-1] == (None, "[DONE]")
        ends = [choice["finish_reason"] for _, data in events[:-1] for choice in json.loads(data)["choices"] if choice["finish_reason"]]
        assert len(ends) == 8
        house.join()
        with pytest.raises(httpx.ConnectError):
            house.get("/health")


def test_what_does_not_end_in_time_is_told_so(lm: LanguageModel) -> None:
    with opened([Shelved("tiny", lm)], grace_seconds=0.05) as house:
        with house.client() as client, client.stream("POST", "/v1/completions", json={**ASKED, "max_tokens": 700, "n": 16}) as response:
            lines = response.iter_lines()
            next(lines)
            house.drain()
            *_, (_, last) = events_of(lines)
        assert json.loads(last)["error"]["type"] == "overloaded_error"
        house.join()


def test_a_port_that_is_taken_is_an_error() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_loopback_is_known_by_name_and_address() -> None:
    assert is_loopback("localhost") and is_loopback("127.0.0.3") and not is_loopback("0.0.0.0")
    with pytest.raises(ValueError, match="no address of this machine"):
        is_loopback("a b")
    assert not socket.has_ipv6 or (is_loopback("::1") and not is_loopback("::"))
