"""Clients take turns."""

import pytest

from pipelines.serving.answering.queues import FairQueue, FullError


def taken(queue: FairQueue[str]) -> list[str | None]:
    return [queue.take(lambda client, wanted: True) for _ in range(len(queue))]


def test_one_who_asks_much_waits_for_his_own_requests() -> None:
    queue = FairQueue[str](10)
    for client, wanted in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1")):
        queue.put(client, wanted)
    assert taken(queue) == ["a1", "b1", "c1", "a2", "a3"]


def test_a_client_that_may_not_begin_holds_nobody_up() -> None:
    queue = FairQueue[str](10)
    for client, wanted in (("a", "a1"), ("b", "b1")):
        queue.put(client, wanted)
    assert queue.take(lambda client, wanted: client != "a") == "b1"
    assert queue.take(lambda client, wanted: client != "a") is None and len(queue) == 1


def test_nobody_fills_the_whole_queue() -> None:
    queue = FairQueue[str](4)
    queue.put("a", "a1")
    queue.put("a", "a2")
    with pytest.raises(FullError):
        queue.put("a", "a3")
    queue.put("b", "b1")
    queue.put("b", "b2")
    with pytest.raises(FullError):
        queue.put("c", "c1")


def test_what_nobody_wants_any_more_leaves() -> None:
    queue = FairQueue[str](4)
    queue.put("a", "a1")
    assert queue.remove("a", "a1") and not queue.remove("a", "a1") and len(queue) == 0 and list(queue) == []
