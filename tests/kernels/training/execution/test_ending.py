"""A training notes that it is asked to end."""

import signal
from typing import Any

import pytest

from kernels.training.execution.ending import Ending


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_noted_once_and_does_what_it_did_when_it_comes_again(number: signal.Signals) -> None:
    heard: list[int] = []

    def hear(number: int, frame: Any) -> None:
        heard.append(number)

    before = signal.signal(number, hear)
    try:
        with Ending() as ending:
            assert not ending.is_asked
            signal.raise_signal(number)
            assert ending.is_asked and heard == []
            signal.raise_signal(number)
            assert heard == [number]
        signal.raise_signal(number)
        assert heard == [number, number], "left, it listens no more"
    finally:
        signal.signal(number, before)


def test_two_ways_of_asking_are_one_asking() -> None:
    with Ending() as ending:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert ending.is_asked
