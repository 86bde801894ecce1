"""The watchdog, by a clock that is set by hand and, once, by a thread."""

import threading

from kernels.training.watchdog import Watchdog


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def watched() -> tuple[Clock, list[str], Watchdog]:
    clock, words = Clock(), list[str]()
    return clock, words, Watchdog(words.append, clock)


def walk(clock: Clock, dog: Watchdog, seconds: float, *, beats: int = 0) -> None:
    """Let some time pass, with a look at each second, and steps of that length."""
    for _ in range(max(1, beats)):
        for _ in range(int(seconds)):
            clock.now += 1
            dog.look()
        if beats:
            dog.beat()


def test_steps_that_end_in_time_are_passed_over_in_silence() -> None:
    clock, words, dog = watched()
    walk(clock, dog, 50, beats=20)
    assert words == []


def test_a_stall_is_told_once_and_once_that_it_is_over() -> None:
    clock, words, dog = watched()
    walk(clock, dog, 2, beats=5)
    walk(clock, dog, 59)
    assert words == []
    walk(clock, dog, 100)
    assert words == ["no step has ended for 60 s, where a step takes 2 s; training stands still or waits for something"]
    dog.beat()
    walk(clock, dog, 2, beats=3)
    assert words[1:] == ["training goes on after 159 s"]


def test_a_second_stall_is_told_again() -> None:
    clock, words, dog = watched()
    for _ in range(2):
        walk(clock, dog, 90, beats=1)
    assert [word.split()[0] for word in words] == ["no", "training", "no", "training"]


def test_long_steps_make_for_a_long_patience() -> None:
    clock, words, dog = watched()
    walk(clock, dog, 30, beats=3)
    walk(clock, dog, 299)
    assert words == []
    walk(clock, dog, 1)
    assert words == ["no step has ended for 300 s, where a step takes 30 s; training stands still or waits for something"]


def test_a_stall_does_not_lengthen_the_patience() -> None:
    clock, words, dog = watched()
    walk(clock, dog, 500, beats=1)
    walk(clock, dog, 60)
    assert len(words) == 3


def test_a_first_step_that_does_not_end_is_told() -> None:
    clock, words, dog = watched()
    walk(clock, dog, 60)
    assert words == ["no step has ended for 60 s, where the first has not ended; training stands still or waits for something"]


def test_the_thread_looks_by_itself_and_ends_with_the_training() -> None:
    told = threading.Event()
    dog = Watchdog(lambda words: told.set(), min_seconds=0.02)
    with dog:
        assert told.wait(30)
    assert "watchdog" not in {thread.name for thread in threading.enumerate()}
