"""A model as it is served: loaded, with the thread that answers by it, and how its texts become tokens.

All that takes long beside the engine (texts into tokens, schemas into grammars) is done by one thread of the model's own, one request after the
other, so that the event loop never stands still for it.
"""

import asyncio
import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from kernels.inference.adapters.files import CONFIG, WEIGHTS
from kernels.inference.asking import Answers
from kernels.inference.backends.backend import Room
from kernels.inference.backends.choosing import Choice, opened
from kernels.inference.cache.pages import PAGE
from kernels.inference.decoding import stop_ids
from kernels.inference.engine import Engine
from kernels.models.formats.chats import beginning, chat_encoder, text_encoder
from kernels.models.formats.checkpoints import LanguageModel, max_positions
from kernels.specs.turns import Turn
from kernels.tokens.chats import ChatEncoder, UnrenderedError
from pipelines.serving.answering.worker import Limits, Worker
from pipelines.serving.metrics import Metrics
from pipelines.serving.text.calls import OPEN
from pipelines.serving.text.spelling import Spelling
from pipelines.serving.wire.faults import Refused

_Result = TypeVar("_Result")
_TOOL = {"type": "function", "function": {"name": "add_up", "description": "", "parameters": {"type": "object", "properties": {}}}}
_CALL = '[{"type": "function", "function": {"name": "add_up", "arguments": {}}}]'


class Version(NamedTuple):
    """Which content of a model is served."""

    content: str
    """Its hash."""
    made_at: float
    """Seconds since the epoch."""


class Settings(NamedTuple):
    """How models are served."""

    limits: Limits
    most_kept_tokens: int
    """Of all that a model reads and makes at once."""
    choice: Choice
    """By what each model is asked, and how."""
    device: str = "cpu"
    """That computes."""
    adapters: Mapping[str, Path] = MappingProxyType({})
    """Folders of LoRA adapters that are served on each model, by their names."""


@dataclass(eq=False)
class Served:
    """One version of a model, or of an adapter on one."""

    name: str
    version: Version
    lm: LanguageModel
    engine: Answers | None
    """None: an encoder, which continues no text."""
    worker: Worker
    most_tokens: int
    """Of a prompt."""
    stops: frozenset[int]
    """The tokens that end an answer."""
    takes_tools: bool
    """Whether the chat template tells the model of tools, and writes their calls in the form that is read out of answers."""
    lease: ExitStack
    """What says that the version's files are being read."""
    base: "Served | None" = None
    """Whose engine an adapter is asked by: it has the adapter by the same name."""
    folder: Path | None = None
    """Of an adapter."""
    adapters: Sequence["Served"] = ()
    _encoding: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "encodes"))
    _num_users: int = 0
    _is_unused: asyncio.Event = field(default_factory=asyncio.Event)

    @functools.cached_property
    def chats(self) -> ChatEncoder:
        """What encodes conversations."""
        return chat_encoder(self.lm.tokenizer) if self.base is None else self.base.chats

    @functools.cached_property
    def spelling(self) -> Spelling:
        """What tells how tokens are spelled."""
        return Spelling(self.lm.tokenizer) if self.base is None else self.base.spelling

    @property
    def adapter(self) -> str | None:
        """What the engine is told of who answers; see `Asked`."""
        return None if self.base is None else self.name

    async def aside(self, work: Callable[[], _Result]) -> _Result:
        """Return what some work gives that needs tokenizer or template, done by the one thread for it."""
        return await asyncio.get_running_loop().run_in_executor(self._encoding, work)

    def text_prompt(self, text: str) -> list[int]:
        """Return the ids of a text to be continued, behind what the tokenizer puts before texts."""
        encoder = text_encoder(self.lm.tokenizer)
        return [*encoder.before_a_text(), *encoder.content(text)] or beginning(self.lm.tokenizer)

    @functools.cached_property
    def _behind_a_text(self) -> list[int]:
        """The control tokens that the tokenizer puts behind every text, such as BERT's separator."""
        told = self.lm.tokenizer("a", return_special_tokens_mask=True)
        count = list(reversed(told["special_tokens_mask"])).index(0)
        return told["input_ids"][len(told["input_ids"]) - count :]

    def whole_text(self, text: str) -> list[int]:
        """Return the ids of a text as an encoder reads it, between what the tokenizer puts around texts."""
        return [*self.text_prompt(text), *self._behind_a_text]

    def num_tokens(self, text: str) -> int:
        """Return how many tokens a text has by itself."""
        return len(text_encoder(self.lm.tokenizer).content(text))

    def chat_prompt(self, turns: Sequence[Turn]) -> list[int]:
        """Return the ids by which the next answer is asked. Raises Refused: the template cannot say the conversation."""
        try:
            return self.chats.prompt(turns)
        except UnrenderedError as error:
            raise Refused(400, f"messages: {error}", param="messages") from error

    def room(self, num_tokens: int) -> int:
        """Return how many tokens can be made behind some that are given; the last one is not read."""
        limit = max_positions(self.lm.model)
        if self.lm.attention == "encoder_decoder" and limit is not None:
            return min(limit, self.most_tokens - num_tokens + 1)
        return self.most_tokens - num_tokens + 1

    def take(self) -> None:
        """Have one user more: a request that may ask yet, or is under way. Those of an adapter are its base's."""
        (self.base or self)._num_users += 1

    def let_go(self) -> None:
        """Have one user less."""
        held = self.base or self
        held._num_users -= 1
        if not held._num_users:
            held._is_unused.set()

    async def retire(self) -> None:
        """Let go of the files once nobody uses it any more."""
        while self._num_users:
            self._is_unused.clear()
            await self._is_unused.wait()
        self.worker.retire()
        await asyncio.to_thread(self.worker.join)
        self.close()

    def close(self) -> None:
        """Let go of what is held; the worker has ended."""
        self._encoding.shutdown()
        self.lease.close()


def takes_tools(lm: LanguageModel) -> bool:
    """Return whether a model's chat template knows tools; see `Served.takes_tools`."""
    asked, called, given = Turn("user", "1+1"), Turn("assistant", "", tool_calls=_CALL), Turn("tool", "2", name="add_up", tool_call_id="a")
    try:
        ids = chat_encoder(lm.tokenizer).conversation([Turn("tools", json.dumps([_TOOL])), asked, called, given, Turn("assistant", "2")])
    except UnrenderedError:
        return False
    return OPEN in lm.tokenizer.decode(ids, skip_special_tokens=False)


def serve(name: str, version: Version, lm: LanguageModel, backend: str, lease: ExitStack, settings: Settings, metrics: Metrics) -> Served:
    """Return a model, as a back end wants it, as one that answers, or that only gives embeddings where it is an encoder.

    Raises:
        FileNotFoundError: a file of an adapter is not there.
        ValueError: the back end that is asked for, or any with such weights or guesses, cannot answer by it; or an adapter
            cannot be added (says why).
    """
    limit = max_positions(lm.model)
    if lm.attention == "bidirectional":
        if settings.adapters:
            raise ValueError(
                f"adapter {next(iter(settings.adapters))}: {name} is an encoder, which is read without; serve a model that continues texts"
            )
        worker = Worker(name, None, settings.limits, metrics)
        return Served(name, version, lm, None, worker, limit or settings.most_kept_tokens, frozenset(), False, lease)
    kept = -(-settings.most_kept_tokens // PAGE) * PAGE
    room = Room(kept, most_sequences=settings.limits.most_sequences)
    engine = opened(backend, lm, room, settings.choice.weights, settings.choice.manner(lm, kept))
    for adapter, folder in settings.adapters.items():
        if not isinstance(engine, Engine):
            raise ValueError(f"adapter {adapter}: the back end {backend} takes none; ask the model by own")
        engine.load_adapter(adapter, folder)
    stops, knows_tools = frozenset(stop_ids(lm)), takes_tools(lm)
    worker = Worker(name, engine, settings.limits, metrics)
    served = Served(name, version, lm, engine, worker, kept if limit is None else min(limit, kept), stops, knows_tools, lease)
    served.adapters = [_on(served, adapter, folder) for adapter, folder in settings.adapters.items()]
    return served


def _on(base: Served, name: str, folder: Path) -> Served:
    """Return an adapter as what answers by it; its content is that of its base and of its files."""
    found = hashlib.sha256(base.version.content.encode())
    for file in (CONFIG, WEIGHTS):
        found.update((folder / file).read_bytes())
    made_at = (folder / WEIGHTS).stat().st_mtime
    return dataclasses.replace(base, name=name, version=Version(found.hexdigest(), made_at), base=base, folder=folder)
