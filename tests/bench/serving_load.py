"""Whether the server holds: many clients for a long time, some of them rude, and what is left of it afterwards.

Run by ``python -m tests.bench.serving_load [seconds] [clients]``, by itself 600 s with 200 clients. It serves a tiny model of random weights in a
process of its own, on this machine only, so that what is measured is the server and not a model. Of the clients some read streams, some wait for
whole answers, some leave in the middle, read slowly, read nothing, send what is no request or far too much, or ask in floods. At the end no page may
be held, nothing may wait or be under way, memory must not have grown by more than `MOST_GROWTH_MB`, and a SIGTERM, sent while streams are
read, must end the process with them read to their ends.
"""

import asyncio
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from tests.bench.serving_clients import Client, Seen
from tests.locations import PROJECT

SECONDS, CLIENTS = 600.0, 200
MOST_GROWTH_MB = 200
"""Beyond what the process has once every kind of request has been served."""
WARM_SHARE = 0.2
"""Of the time, after which memory is looked at for the first time."""
_QUIET_SECONDS = 60.0
_LAST_STREAMS = 8


async def load(url: str, pid: int, seconds: float, num_clients: int) -> tuple[Seen, list[int]]:
    """Have clients ask, and return what they saw, and the memory of the server in MB: once it is warm, and at the end."""
    seen = Seen(Counter(), [], [], [])
    begun = time.monotonic()
    limits = httpx.Limits(max_connections=num_clients * 2, max_keepalive_connections=num_clients)
    async with httpx.AsyncClient(timeout=httpx.Timeout(120.0), limits=limits) as http:
        clients = [Client(url, seen, random.Random(number), http) for number in range(num_clients)]
        asking = [asyncio.create_task(client.ask(begun + seconds)) for client in clients]
        await asyncio.sleep(seconds * WARM_SHARE)
        memory = [memory_mb(pid)]
        for task in asking:
            try:
                await asyncio.wait_for(task, seconds + 180)
            except TimeoutError:
                seen.faults.append("a client was never answered")
    async with httpx.AsyncClient(timeout=30) as http:
        await _quiet(http, url, seen)
    return seen, [*memory, memory_mb(pid)]


async def _quiet(http: httpx.AsyncClient, url: str, seen: Seen) -> None:
    """Wait until the server has nothing to do, and note what it keeps all the same."""
    end = time.monotonic() + _QUIET_SECONDS
    while True:
        lines = (await http.get(f"{url}/metrics")).text.splitlines()
        values = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}
        held = {name: values[f'mill_{name}{{model="tiny"}}'] for name in ("requests_waiting", "requests_running", "pages_used")}
        if not any(held.values()):
            return
        if time.monotonic() > end:
            seen.faults.append(f"left behind: {held}")
            return
        await asyncio.sleep(0.2)


def memory_mb(pid: int) -> int:
    """Return the memory of a process that lies in RAM."""
    words = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()
    return int(words[0]) // 1024


async def drained(url: str, process: asyncio.subprocess.Process, seen: Seen) -> None:
    """Send SIGTERM while streams are read, and note whatever does not end as it should."""
    asked = {"model": "tiny", "prompt": "a", "max_tokens": 300, "n": 4, "stream": True}
    is_begun = [asyncio.Event() for _ in range(_LAST_STREAMS)]

    async def read(number: int, http: httpx.AsyncClient) -> str:
        last = ""
        async with http.stream("POST", f"{url}/v1/completions", json=asked) as response:
            async for line in response.aiter_lines():
                is_begun[number].set()
                last = line or last
        return last

    async with httpx.AsyncClient(timeout=120) as http:
        reading = [asyncio.create_task(read(number, http)) for number in range(_LAST_STREAMS)]
        for event in is_begun:
            await event.wait()
        process.send_signal(signal.SIGTERM)
        ends = await asyncio.gather(*reading, return_exceptions=True)
    seen.faults.extend(f"SIGTERM cut a stream: {end!r}" for end in ends if end != "data: [DONE]")
    code = await asyncio.wait_for(process.wait(), 60)
    if code != 0:
        seen.faults.append(f"the server ended with {code}")


async def serve(folder: Path) -> None:
    """Serve a tiny model until a signal, and compare the account of pages at the end."""
    from pipelines.serving.server import Server, listen
    from pipelines.serving.serving import Serving
    from tests.pipelines.serving.house import LIMITS, NO_KEYS, Shelved, put, tiny

    serving = Serving(NO_KEYS, True, 1 << 20)
    serving.shelf.put(put(serving, Shelved("tiny", tiny(folder)), LIMITS._replace(most_of_client=LIMITS.most_sequences)))
    engine = serving.shelf.get("tiny").engine
    assert engine is not None
    with listen("127.0.0.1", 0) as socket:
        print(f"http://127.0.0.1:{socket.getsockname()[1]}", flush=True)
        await Server(serving, 60).serve([socket])
    engine.pages.check([])
    assert engine.is_idle and engine.pages.num_free == engine.pages.count, "pages are held by nobody"


async def run(seconds: float, num_clients: int) -> int:
    """Serve, load and drain; print what was seen, and return 1 where something was that must not be."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "tests.bench.serving_load", "--serve", folder]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
        process = await asyncio.create_subprocess_exec(*words, cwd=PROJECT, env=environment, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        try:
            url = (await process.stdout.readline()).decode().strip()
            seen, memory = await load(url, process.pid, seconds, num_clients)
            await drained(url, process, seen)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if memory[1] - memory[0] > MOST_GROWTH_MB:
        seen.faults.append(f"memory grew from {memory[0]} to {memory[1]} MB")
    figures = {
        "name": "serving_load", "seconds": seconds, "clients": num_clients, "requests": seen.statuses.total(),
        "statuses": dict(sorted(seen.statuses.items())), "first_event_s": _shares(seen.first_seconds), "whole_answer_s": _shares(seen.whole_seconds),
        "memory_mb": memory, "faults": dict(Counter(seen.faults)),
    }  # fmt: skip
    print(json.dumps(figures))
    return int(bool(seen.faults))


def _shares(seconds: list[float]) -> dict[str, float]:
    """Return the median and the 95th percentile."""
    found = statistics.quantiles(seconds, n=20) if len(seconds) > 1 else [0.0] * 19
    return {"p50": round(found[9], 3), "p95": round(found[18], 3)}


def main() -> None:
    """Run the load, or the server that it is put on."""
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve(Path(sys.argv[2])))
        return
    given = sys.argv[1:]
    sys.exit(asyncio.run(run(float(given[0]) if given else SECONDS, int(given[1]) if len(given) > 1 else CLIENTS)))


if __name__ == "__main__":
    main()
