"""A server on this machine with tiny models, in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx

from kernels.inference.backends.choosing import Choice
from kernels.inference.engine import Engine
from kernels.inference.guessing.guesser import Guessing
from kernels.models.architectures.llama import LlamaConfig
from kernels.models.formats.checkpoints import LanguageModel, load
from pipelines.serving.answering.worker import Limits
from pipelines.serving.models.served import Served, Settings, Version, serve
from pipelines.serving.server import Server, listen
from pipelines.serving.serving import Serving
from pipelines.serving.wire.keys import Keys
from tests.small_models import put_llama

POSITIONS, PAGES = 768, 96
SHAPE = LlamaConfig(
    kind="llama",
    hidden_size=32,
    num_layers=2,
    num_heads=4,
    num_kv_heads=2,
    intermediate_size=48,
    max_position_embeddings=POSITIONS,
    tie_embeddings=True,
)
LIMITS = Limits(most_waiting=64, most_of_client=16, most_sequences=16)
NO_KEYS = Keys([])


def tiny(folder: Path) -> LanguageModel:
    """A decoder of random weights, large enough that it says one thing and another, with a tokenizer of bytes."""
    import torch

    lm = load(put_llama(folder, SHAPE, "a"), "cpu")
    with torch.no_grad():
        for parameter in lm.model.parameters():
            parameter.mul_(4)
    return lm


def tiny_encoder(folder: Path) -> LanguageModel:
    """An encoder of random weights."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    from kernels.models.formats import checkpoints

    put_llama(folder, SHAPE, "a")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    torch.manual_seed(1)
    shape = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24, max_position_embeddings=64
    )
    checkpoints.save(BertForMaskedLM(shape), tokenizer, folder / "encoder")
    return load(folder / "encoder", "cpu")


@dataclass
class House:
    """A server and a way to ask it."""

    serving: Serving
    server: Server
    port: int
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **settings: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, headers=self.headers, **settings)

    def post(self, path: str, body: Any, **settings: Any) -> httpx.Response:
        with self.client() as client:
            return client.post(path, json=body, **settings)

    def get(self, path: str, **settings: Any) -> httpx.Response:
        with self.client() as client:
            return client.get(path, **settings)

    def events(self, path: str, body: Any) -> list[tuple[str | None, str]]:
        """Return the events of a stream, each with its name."""
        with self.client() as client, client.stream("POST", path, json={**body, "stream": True}) as response:
            assert response.status_code == 200, response.read()
            return list(events_of(response.iter_lines()))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what some work gives in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def call(self, work: Callable[[], Any]) -> Any:
        async def calling() -> Any:
            return work()

        return self.run(calling())

    def check_pages(self, name: str = "tiny") -> int:
        """Compare the account of pages with what is under way, and return how many pages are held."""
        served = self.serving.shelf.get(name)
        engine = served.engine
        assert isinstance(engine, Engine)

        def check() -> int:
            engine.pages.check([each.held.table for each in (*engine.schedule.running, *engine.schedule.waiting)])
            return engine.pages.count - engine.pages.num_free

        return self.run(served.worker.errand("test", check))

    def drain(self) -> None:
        self.loop.call_soon_threadsafe(self.server.drain)

    def join(self) -> None:
        self.thread.join(60)
        assert not self.thread.is_alive(), "the server does not end"


def events_of(lines: Iterator[str]) -> Iterator[tuple[str | None, str]]:
    """Yield the events that lines spell."""
    name: str | None = None
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")
            name = None


class Shelved(NamedTuple):
    """A model to serve."""

    name: str
    lm: LanguageModel
    content: str = "c0ffee"
    adapters: Mapping[str, Path] = MappingProxyType({})


def put(serving: Serving, shelved: Shelved, limits: Limits = LIMITS, lease: ExitStack | None = None, guessing: Guessing | None = None) -> Served:
    settings = Settings(limits, PAGES * 16, Choice(guessing=guessing, is_invariant=guessing is None), adapters=shelved.adapters)
    return serve(shelved.name, Version(shelved.content, 1.0), shelved.lm, "own", lease or ExitStack(), settings, serving.metrics)


@contextmanager
def opened(
    models: list[Shelved],
    limits: Limits = LIMITS,
    keys: Keys = NO_KEYS,
    *,
    is_loopback: bool = True,
    most_body_bytes: int = 1 << 20,
    grace_seconds: float = 30,
    guessing: Guessing | None = None,
    watch: Callable[[Serving], Coroutine[Any, Any, None]] | None = None,
) -> Iterator[House]:
    serving = Serving(keys, is_loopback, most_body_bytes)
    server = Server(serving, grace_seconds, None if watch is None else lambda: watch(serving))
    socket = listen("127.0.0.1", 0)
    ready = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serving_on() -> None:
        loops.append(asyncio.get_running_loop())
        for shelved in models:
            serving.shelf.put(put(serving, shelved, limits, guessing=guessing))
        ready.set()
        await server.serve([socket])

    thread = threading.Thread(target=lambda: asyncio.run(serving_on()), name="server")
    thread.start()
    assert ready.wait(60)
    house = House(serving, server, socket.getsockname()[1], loops[0], thread)
    try:
        yield house
    finally:
        if thread.is_alive():
            server.should_exit = True
        house.join()
