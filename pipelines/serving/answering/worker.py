"""The thread in which a model computes: it alone touches the engine. The event loop asks, withdraws and reads through what is locked.

Requests wait in a queue of the server's own, in which clients take turns, and come to the engine only when it has room for them: what the engine has
is under way.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from kernels.inference.asking import Answers, Asked, Piece
from pipelines.serving.answering.outlets import MOST_UNREAD_TOKENS, Outlet
from pipelines.serving.answering.queues import FairQueue, FullError
from pipelines.serving.answering.timing import Timing
from pipelines.serving.metrics import NOTHING, Load, Metrics
from pipelines.serving.wire.faults import Refused

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class Limits(NamedTuple):
    """How much is taken on."""

    most_waiting: int = 256
    """Requests whose turn has not come; further ones are refused."""
    most_of_client: int = 16
    """Requests of one client that are under way."""
    most_sequences: int = 32
    """Answers that are under way."""


@dataclass(eq=False)
class Errand:
    """Work that needs the model and is no answer."""

    client: str
    work: Callable[[], Any]
    result: "Future[Any]" = field(default_factory=Future)


class Worker:
    """Answers by one engine, or does only errands where a model has none."""

    def __init__(self, name: str, engine: Answers | None, limits: Limits, metrics: Metrics) -> None:
        """Begin to wait for requests. The name is the model's."""
        self._name, self._engine, self._limits, self._metrics = name, engine, limits, metrics
        self._wake = threading.Condition()
        self._waiting = FairQueue[Outlet | Errand](limits.most_waiting)
        self._withdrawn: list[Outlet] = []
        self._ends = False
        self.failure: Exception | None = None
        """What ended the thread, where something did."""
        self._under_way: dict[int, Outlet] = {}
        self._of_clients = Counter[str]()
        self._timing = Timing(name, metrics)
        self._thread = threading.Thread(target=self._run, name=f"answers of {name}", daemon=True)
        self._thread.start()

    # --- by the event loop ---

    def ask(self, asked: Asked, client: str) -> Outlet:
        """Have a request wait for its turn. Raises Refused: too many do, or the model takes nothing more."""
        outlet = Outlet(asked, client, asyncio.get_running_loop())
        self._put(client, outlet)
        return outlet

    async def errand(self, client: str, work: Callable[[], _Result]) -> _Result:
        """Return what some work gives that needs the model. Raises Refused: see `ask`."""
        errand = Errand(client, work)
        self._put(client, errand)
        return await asyncio.wrap_future(errand.result)

    def withdraw(self, outlet: Outlet) -> None:
        """Have nobody want a request any more; one that is over is left alone."""
        with self._wake:
            self._withdrawn.append(outlet)
            self._wake.notify()

    def retire(self) -> None:
        """Take nothing more, and end when all that was taken is done."""
        with self._wake:
            self._ends = True
            self._wake.notify()

    def abandon(self, error: Exception) -> None:
        """Take nothing more, and have all that was taken fail."""
        with self._wake:
            self._ends = True
            for wanted in (*self._waiting, *self._under_way.values()):
                if isinstance(wanted, Outlet):
                    wanted.fail(error)
                    self._withdrawn.append(wanted)
            self._wake.notify()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    @property
    def load(self) -> Load:
        """What there is to do now."""
        waiting = len(self._waiting)
        if self._engine is None:
            return NOTHING._replace(num_waiting=waiting)
        return Load(waiting, len(self._under_way), *self._engine.use)

    def _put(self, client: str, wanted: Outlet | Errand) -> None:
        with self._wake:
            if self.failure is not None or self._ends:
                raise Refused(503, f"{self._name} answers no more: {self.failure or 'the server is ending'}; ask again later")
            try:
                self._waiting.put(client, wanted)
            except FullError:
                seconds = max(1, round(self._timing.mean_seconds * len(self._waiting) / self._limits.most_sequences))
                words = f"{len(self._waiting)} requests wait for {self._name}; ask again in {seconds} s"
                raise Refused(429, words, code="rate_limit_exceeded", headers={"Retry-After": str(seconds)}) from None
            self._wake.notify()

    # --- the thread ---

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except Exception as error:
            _log.exception("%s answers no more", self._name)
            self._fail(error)

    def _turn(self) -> bool:
        """Do what is next, and return whether anything may still come."""
        with self._wake:
            while not (self._waiting or self._withdrawn or self._under_way or self._ends):
                self._wake.wait()
            withdrawn, self._withdrawn = self._withdrawn, []
            waited = [outlet for outlet in withdrawn if self._waiting.remove(outlet.client, outlet)]
        for outlet in withdrawn:
            if outlet not in waited:
                self._give_up(outlet)
        while (wanted := self._next()) is not None:
            self._do(wanted) if isinstance(wanted, Errand) else self._begin(wanted)
        if self._engine is not None and self._under_way:
            for piece in self._engine.step():
                self._deliver(piece)
            return True
        return not self._ends or bool(self._waiting)

    def _next(self) -> Outlet | Errand | None:
        with self._wake:
            return self._waiting.take(self._may_begin)

    def _may_begin(self, client: str, wanted: Outlet | Errand) -> bool:
        if isinstance(wanted, Errand):
            return True
        running = sum(outlet.num_left for outlet in self._under_way.values())
        has_room = not running or running + wanted.asked.num_answers <= self._limits.most_sequences
        return has_room and self._of_clients[client] < self._limits.most_of_client

    def _do(self, errand: Errand) -> None:
        if not errand.result.set_running_or_notify_cancel():
            return
        try:
            errand.result.set_result(errand.work())
        except Exception as error:  # whoever wanted it is told
            errand.result.set_exception(error)

    def _begin(self, outlet: Outlet) -> None:
        assert self._engine is not None, f"{self._name} has no engine; nothing is asked of it"
        try:
            outlet.number = self._engine.ask(outlet.asked)
        except ValueError as error:
            outlet.fail(Refused(400, str(error)))
            return
        self._under_way[outlet.number] = outlet
        self._of_clients[outlet.client] += 1
        self._metrics.tokens_read.labels(self._name).inc(len(outlet.asked.tokens))

    def _deliver(self, piece: Piece) -> None:
        outlet = self._under_way.get(piece.request)
        if outlet is None:  # given up in this step
            return
        self._timing.note(outlet, piece)
        outlet.put(piece)
        if outlet.is_full:
            outlet.fail(Refused(408, f"more than {MOST_UNREAD_TOKENS} tokens of the answer were not read; read faster, or ask for fewer"))
            self._give_up(outlet)
        elif outlet.num_left == 0:
            self._forget(outlet)

    def _give_up(self, outlet: Outlet) -> None:
        if self._engine is not None and outlet.number in self._under_way:
            self._engine.abort(outlet.number)
            self._forget(outlet)

    def _forget(self, outlet: Outlet) -> None:
        assert outlet.number is not None
        del self._under_way[outlet.number]
        self._timing.end(outlet)
        self._of_clients[outlet.client] -= 1
        if not self._of_clients[outlet.client]:
            del self._of_clients[outlet.client]

    def _fail(self, error: Exception) -> None:
        """Have everybody know that nothing more comes."""
        told = Refused(500, f"{self._name} answers no more: {type(error).__name__}; the server's log says why")
        with self._wake:
            self.failure = error
            for wanted in (*self._waiting, *self._under_way.values()):
                wanted.fail(told) if isinstance(wanted, Outlet) else wanted.result.set_exception(told)
