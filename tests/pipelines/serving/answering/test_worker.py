"""The thread of an engine: what is given up leaves nothing, and what breaks is told to everybody."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from kernels.inference.asking import Asked
from kernels.inference.engines import engine_of
from kernels.inference.sampling import Sampling
from kernels.models.formats.checkpoints import LanguageModel
from pipelines.serving.answering.worker import Limits, Worker
from pipelines.serving.metrics import Metrics
from pipelines.serving.wire.faults import Refused


def worker_of(lm: LanguageModel, limits: Limits) -> Worker:
    engine = engine_of(lm, most_kept_tokens=512, most_sequences=limits.most_sequences)
    return Worker("tiny", engine, limits, Metrics(lambda: []))


def asked(length: int, **settings: Any) -> Asked:
    return Asked(tokens=[9, 8, 7], max_new_tokens=length, sampling=Sampling(temperature=0), **settings)


def run(worker: Worker, work: Coroutine[Any, Any, Any]) -> Any:
    async def whole() -> Any:
        try:
            return await work
        finally:
            worker.retire()
            await asyncio.to_thread(worker.join)

    return asyncio.run(whole())


async def order_of_ends(worker: Worker, asks: list[tuple[str, str]]) -> list[str]:
    """Return the names of requests in the order of their ends: (client, name) of each, asked at once."""
    ends: list[str] = []

    async def one(client: str, name: str) -> None:
        outlet = worker.ask(asked(4), client)
        _ = [said async for said in outlet.said()]
        ends.append(name)

    await asyncio.gather(*(one(*each) for each in asks))
    return ends


def test_a_client_with_much_to_ask_leaves_the_others_their_turns(lm: LanguageModel) -> None:
    worker = worker_of(lm, Limits(64, 16, 1))
    asks = [("a", f"a{number}") for number in range(6)] + [("b", "b0"), ("c", "c0")]
    ends = run(worker, order_of_ends(worker, asks))
    assert ends[3:] != [] and {"b0", "c0"} <= set(ends[:5]) and ends[-3:] == ["a3", "a4", "a5"]


def test_a_client_has_no_more_under_way_than_it_may(lm: LanguageModel) -> None:
    worker = worker_of(lm, Limits(64, 2, 16))

    async def work() -> tuple[int, int]:
        outlets = [worker.ask(asked(100), "a") for _ in range(5)]
        while worker.load.num_running == 0:
            await asyncio.sleep(0.01)
        found = worker.load.num_running, worker.load.num_waiting
        for outlet in outlets:
            worker.withdraw(outlet)
        return found

    assert run(worker, work()) == (2, 3)


def test_what_is_withdrawn_leaves_whether_it_waits_or_is_under_way(lm: LanguageModel) -> None:
    worker = worker_of(lm, Limits(64, 16, 1))

    async def work() -> tuple[int, ...]:
        outlets = [worker.ask(asked(400), client) for client in "abc"]
        await anext(outlets[0].said())
        for outlet in outlets:
            worker.withdraw(outlet)
        while worker.load.num_running or worker.load.num_waiting:
            await asyncio.sleep(0.01)
        return tuple(worker.load)

    waiting, running, _, used, *_ = run(worker, work())
    assert (waiting, running, used) == (0, 0, 0)


def test_too_many_are_refused_with_a_time_to_come_again(lm: LanguageModel) -> None:
    worker = worker_of(lm, Limits(2, 16, 1))

    async def work() -> Refused:
        outlets = [worker.ask(asked(400), "a")]
        await anext(outlets[0].said())
        outlets.append(worker.ask(asked(4), "a"))
        with pytest.raises(Refused) as refused:
            worker.ask(asked(4), "a")
        for outlet in outlets:
            worker.withdraw(outlet)
        return refused.value

    refused = run(worker, work())
    assert refused.status == 429 and refused.headers is not None and int(refused.headers["Retry-After"]) >= 1


def test_a_request_that_the_engine_refuses_is_told_so_and_harms_no_other(lm: LanguageModel) -> None:
    worker = worker_of(lm, Limits(64, 16, 4))

    async def work() -> tuple[str, int]:
        bad, good = worker.ask(Asked(tokens=[1] * 600, max_new_tokens=200), "a"), worker.ask(asked(4), "a")
        with pytest.raises(Refused) as refused:
            _ = [said async for said in bad.said()]
        return refused.value.message, sum([len(said.tokens) async for said in good.said()])

    words, count = run(worker, work())
    assert "find no room" in words and count <= 4


def test_an_engine_that_breaks_is_told_to_all_and_takes_nothing_more(lm: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = worker_of(lm, Limits(64, 16, 4))
    engine: Any = worker._engine

    def broken() -> Any:
        raise RuntimeError("no such device")

    monkeypatch.setattr(engine, "step", broken)

    async def work() -> list[int]:
        statuses: list[int] = []
        outlets = [worker.ask(asked(4), client) for client in "ab"]
        for outlet in outlets:
            with pytest.raises(Refused) as refused:
                _ = [said async for said in outlet.said()]
            statuses.append(refused.value.status)
        worker.join()
        with pytest.raises(Refused) as later:
            worker.ask(asked(4), "a")
        return [*statuses, later.value.status]

    assert run(worker, work()) == [500, 500, 503] and str(worker.failure) == "no such device"


def test_errands_are_done_between_steps_and_their_errors_are_their_own(lm: LanguageModel) -> None:
    worker = worker_of(lm, Limits(64, 16, 4))

    async def work() -> int:
        with pytest.raises(ZeroDivisionError):
            await worker.errand("a", lambda: 1 // 0)
        return await worker.errand("a", lambda: 7)

    assert run(worker, work()) == 7
