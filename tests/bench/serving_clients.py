"""Clients of a server, some of them rude: for the load test (serving_load.py)."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import httpx


class Seen(NamedTuple):
    """What clients saw."""

    statuses: "Counter[str]"
    first_seconds: list[float]
    """From a request to the first event of its stream."""
    whole_seconds: list[float]
    """From a request to all of its answer."""
    faults: list[str]
    """What must not be."""


class Client:
    """One that asks until the time is over, in some manner each time."""

    def __init__(self, url: str, seen: Seen, chance: random.Random, http: httpx.AsyncClient) -> None:
        """Take whom to ask."""
        self._url, self._seen, self._chance, self._http = url, seen, chance, http
        self._port = int(url.rpartition(":")[2])

    async def ask(self, end: float) -> None:
        """Ask until the end."""
        manners: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self._stream, 8),
            (self._whole, 8),
            (self._leave, 5),
            (self._read_slowly, 2),
            (self._read_nothing, 1),
            (self._send_nonsense, 3),
            (self._send_too_much, 1),
            (self._flood, 1),
            (self._look, 2),
        ]
        while time.monotonic() < end:
            (manner,) = self._chance.choices([each for each, _ in manners], [weight for _, weight in manners])
            try:
                await manner()
            except httpx.TransportError as error:
                self._seen.statuses[type(error).__name__] += 1
            await asyncio.sleep(self._chance.random() * 0.2)

    def _asked(self, length: int) -> dict[str, Any]:
        prompt = "".join(self._chance.choice("abcdefgh ") for _ in range(self._chance.randrange(4, 120)))
        more = self._chance.choice([{}, {"n": 2}, {"logprobs": 3}, {"stop": ["a", "zz"]}, {"top_p": 0.9}])
        return {"model": "tiny", "prompt": prompt, "max_tokens": self._chance.randrange(1, length), **more}

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        response = await self._http.post(f"{self._url}/v1/completions", json=body)
        self._note(response)
        return response

    def _note(self, response: httpx.Response) -> None:
        self._seen.statuses[str(response.status_code)] += 1
        if response.status_code >= 500:
            self._seen.faults.append(f"status {response.status_code}")

    async def _whole(self) -> None:
        begun, body = time.monotonic(), self._asked(40)
        if (await self._post(body)).status_code == 200:
            self._seen.whole_seconds.append(time.monotonic() - begun)

    async def _stream(self, pause: float = 0.0, most_events: int | None = None) -> None:
        begun, body = time.monotonic(), {**self._asked(40), "stream": True}
        async with self._http.stream("POST", f"{self._url}/v1/completions", json=body) as response:
            self._note(response)
            if response.status_code != 200:
                return
            count, last = 0, ""
            async for line in response.aiter_lines():
                if not line:
                    continue
                if count == 0:
                    self._seen.first_seconds.append(time.monotonic() - begun)
                count, last = count + 1, line
                if count == most_events:
                    return
                await asyncio.sleep(pause)
            if last != "data: [DONE]":
                self._seen.faults.append(f"a stream ended with {last[:80]!r}")

    async def _leave(self) -> None:
        if self._chance.random() < 0.5:
            await self._stream(most_events=self._chance.randrange(1, 6))
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._chance.random() * 0.5):
                await self._post(self._asked(400))

    async def _read_slowly(self) -> None:
        await self._stream(pause=0.2)

    async def _read_nothing(self) -> None:
        """Ask for much, and take none of it."""
        body = json.dumps({**self._asked(400), "n": 4, "stream": True}).encode()
        await self._raw(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n", body, 1.0)

    async def _send_nonsense(self) -> None:
        body = self._chance.choice([b"", b"{", b"[" * 5000, b'{"model": "tiny"}', b'{"model": "tiny", "prompt": 5}', b"\xff" * 100, b'{"odd": 1}'])
        response = await self._http.post(f"{self._url}/v1/completions", content=body, headers={"Content-Type": "application/json"})
        self._note(response)
        if response.status_code != 400:
            self._seen.faults.append(f"nonsense was answered with {response.status_code}")

    async def _send_too_much(self) -> None:
        headers = {"Content-Type": "application/json"}
        response = await self._http.post(f"{self._url}/v1/completions", content=b" " * (2 << 20), headers=headers)
        self._note(response)
        if response.status_code != 413:
            self._seen.faults.append(f"too much was answered with {response.status_code}")

    async def _flood(self) -> None:
        found = await asyncio.gather(*(self._post(self._asked(8)) for _ in range(20)), return_exceptions=True)
        self._seen.statuses.update(type(each).__name__ for each in found if isinstance(each, httpx.TransportError))

    async def _look(self) -> None:
        for path in ("/health", "/metrics", "/v1/models", "/"):
            self._note(await self._http.get(self._url + path))

    async def _raw(self, head: bytes, body: bytes, seconds: float) -> None:
        """Send a request by hand, wait and go without having read."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError as error:
            self._seen.statuses[type(error).__name__] += 1
            return
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await asyncio.sleep(seconds)
        writer.transport.abort()
        self._seen.statuses["read nothing"] += 1
