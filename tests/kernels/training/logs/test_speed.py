"""Speed is that of the last seconds, without what was spent on telling; memory is what the system says."""

import subprocess
import sys
from mmap import PAGESIZE, mmap
from pathlib import Path

import pytest

from kernels.training.logs.speed import WINDOW_SECONDS, Speed, memory, peak_host_bytes


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def speed_of(clock: Clock) -> Speed:
    return Speed(flops_per_token=10.0, peak_flops=1000.0, clock=clock)


def take(speed: Speed, clock: Clock, num_tokens: int, seconds: float) -> None:
    clock.now += seconds
    speed.count(num_tokens)


def test_a_training_that_slows_down_is_seen_to_do_so_while_the_mean_stays_high() -> None:
    clock = Clock()
    speed = speed_of(clock)
    for _ in range(1000):
        take(speed, clock, 50, 1.0)
    assert speed.recent() == pytest.approx({"tokens_per_second": 50.0, "mfu": 0.5})
    for _ in range(20):
        take(speed, clock, 50, 2.0)
    assert speed.recent() == pytest.approx({"tokens_per_second": 25.0, "mfu": 0.25})
    assert speed.mean()["tokens_per_second"] == pytest.approx(1020 * 50 / 1040)


def test_the_steps_of_the_last_seconds_count_and_at_least_one() -> None:
    clock = Clock()
    speed = speed_of(clock)
    take(speed, clock, 7, 1.0)
    for _ in range(4):
        take(speed, clock, 40, WINDOW_SECONDS / 4)
    assert speed.recent()["tokens_per_second"] == pytest.approx(160 / WINDOW_SECONDS), "the first is older than the window"
    take(speed, clock, 30, 3 * WINDOW_SECONDS)
    assert speed.recent()["tokens_per_second"] == pytest.approx(1 / WINDOW_SECONDS * 10), "one step that is longer than the window"


def test_telling_counts_apart() -> None:
    clock = Clock()
    speed = speed_of(clock)
    take(speed, clock, 50, 1.0)
    with speed.telling():
        clock.now += 9.0
    take(speed, clock, 50, 1.0)
    assert speed.recent()["tokens_per_second"] == pytest.approx(50.0)
    assert (speed.seconds, speed.told_seconds, speed.num_tokens) == pytest.approx((2.0, 9.0, 100))


def test_telling_within_a_step_is_no_part_of_it() -> None:
    clock = Clock()
    speed = speed_of(clock)
    clock.now += 1.0
    with speed.telling():
        clock.now += 5.0
    take(speed, clock, 50, 1.0)
    assert speed.seconds == pytest.approx(2.0)


def test_a_share_of_the_peak_goes_by_what_the_tokens_of_each_step_took() -> None:
    clock = Clock()
    speed = speed_of(clock)
    take(speed, clock, 10, 1.0)
    clock.now += 1.0
    speed.count(10, 30.0)
    assert speed.recent()["mfu"] == speed.mean()["mfu"] == pytest.approx((10 * 10 + 10 * 30) / 2 / 1000)


def test_before_the_first_step_there_is_no_mean() -> None:
    assert speed_of(Clock()).mean() == {}


def test_memory_is_what_this_process_holds_and_the_most_that_it_held() -> None:
    before = memory("cpu")
    held = mmap(-1, 200_000_000)  # of the system and not of what the process has freed and kept
    for place in range(0, len(held), PAGESIZE):
        held[place] = 1
    now = memory("cpu")
    assert now["peak_memory_mb"] >= before["peak_memory_mb"] and now["peak_memory_mb"] >= now.get("memory_mb", 0.0)
    if "memory_mb" in before:  # where the system tells
        assert 150 < now["memory_mb"] - before["memory_mb"] < 400
    held.close()


@pytest.mark.skipif("VmHWM" not in (Path("/proc/self/status").read_text() if sys.platform == "linux" else ""), reason="the system does not tell")
def test_the_peak_of_a_process_is_its_own_and_not_that_of_the_one_that_launched_it() -> None:
    with mmap(-1, 400_000_000) as held:
        for place in range(0, len(held), PAGESIZE):
            held[place] = 1
    code = "from kernels.training.logs.speed import peak_host_bytes; print(peak_host_bytes())"
    of_child = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert peak_host_bytes() > 400_000_000 > of_child
