"""Leases of GPUs, on a machine that pretends to have some."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from resources.devices import leases
from resources.devices.leases import Lease, count_gpus, holdings, lease_devices, visible_gpus, waiting
from tests.locations import PROJECT


def gpu(index: int) -> Lease:
    return Lease("cuda", {"CUDA_VISIBLE_DEVICES": str(index), "CUBLAS_WORKSPACE_CONFIG": ":4096:8"})


def test_without_a_gpu_everybody_gets_the_cpu(tmp_path: Path) -> None:
    with lease_devices(tmp_path / "leases", []) as first, lease_devices(tmp_path / "leases", [], 2) as second:
        assert first == [Lease("cpu", {})] and second == first * 2


def test_each_gpu_goes_to_one_holder_and_who_asks_for_several_gets_several(tmp_path: Path) -> None:
    gpus = ["0", "1", "2"]
    with lease_devices(tmp_path, gpus) as first, lease_devices(tmp_path, gpus, 2) as second:
        assert (first, second) == ([gpu(0)], [gpu(1), gpu(2)])


def test_more_gpus_than_there_are_are_refused_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"3 processes need a GPU each, and this machine has 2; ask for fewer, or for the CPU"),
        lease_devices(tmp_path, ["0", "1"], 3),
    ):
        pass


def test_who_finds_too_few_free_waits_in_a_queue_and_holds_none_that_another_could_do_with(tmp_path: Path) -> None:
    taken: list[str] = []

    def take(name: str, num: int) -> None:
        with lease_devices(tmp_path, ["0", "1"], num, name):
            taken.append(name)

    with lease_devices(tmp_path, ["0", "1"], whose="first"):
        both = threading.Thread(target=take, args=("both", 2))
        both.start()
        while waiting(tmp_path) is None:
            time.sleep(0.01)
        next_one = threading.Thread(target=take, args=("one", 1))
        next_one.start()
        time.sleep(3 * leases.POLL_SECONDS)
        told = waiting(tmp_path)
        assert told is not None and told.whose == "both" and told.pid == os.getpid()
        assert taken == [], "who came later does not pass the one who waits for two"
    for thread in (both, next_one):
        thread.join(20.0)
    assert taken == ["both", "one"] and waiting(tmp_path) is None


def test_who_holds_which_gpu_and_since_when_is_told(tmp_path: Path) -> None:
    began = time.time() - 1
    with lease_devices(tmp_path, ["0", "1"], whose="demo/models/base"):
        held, free = holdings(tmp_path, ["0", "1"])
        assert (held.is_held, held.whose, held.pid) == (True, "demo/models/base", os.getpid()) and began <= held.since <= time.time() + 1
        assert not free.is_held
    assert not any(found.is_held for found in holdings(tmp_path, ["0", "1"]))


def test_a_gpu_that_is_given_back_goes_to_the_next(tmp_path: Path) -> None:
    with ExitStack() as rest:
        with lease_devices(tmp_path, ["0", "1"]) as first:
            rest.enter_context(lease_devices(tmp_path, ["0", "1"]))
            assert first == [gpu(0)]
        with lease_devices(tmp_path, ["0", "1"]) as next_one:
            assert next_one == [gpu(0)]


def test_an_error_within_gives_the_gpu_back(tmp_path: Path) -> None:
    def fail() -> None:
        with lease_devices(tmp_path, ["0"]):
            raise RuntimeError("within")

    with pytest.raises(RuntimeError, match="within"):
        fail()
    with lease_devices(tmp_path, ["0"]) as again:
        assert again == [gpu(0)]


def test_a_gpu_is_another_processes_until_that_is_killed(tmp_path: Path) -> None:
    body = f"""
    import sys
    from pathlib import Path
    from resources.devices.leases import lease_devices
    with lease_devices(Path({str(tmp_path)!r}), ["0", "1"]) as (lease,):
        print(lease.environment["CUDA_VISIBLE_DEVICES"], flush=True)
        sys.stdin.read()
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(body)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "0\n"
        with lease_devices(tmp_path, ["0", "1"]) as ours:
            assert ours == [gpu(1)]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with lease_devices(tmp_path, ["0", "1"]) as freed:
            assert freed == [gpu(0)]
    finally:
        process.kill()
        process.communicate()


def test_gpus_are_counted_by_what_the_driver_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "NVIDIA_DEVICES", tmp_path / "gpus")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert count_gpus() == 0
    for bus in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "gpus" / bus).mkdir(parents=True)
    assert count_gpus() == 2


@pytest.mark.parametrize(
    ("said", "ours"), [("1", ["1"]), ("3, 1", ["3", "1"]), ("", []), ("-1", []), ("0,-1,1", ["0"]), ("GPU-5b4a,MIG-7c", ["GPU-5b4a", "MIG-7c"])]
)
def test_gpus_that_are_hidden_from_us_are_leased_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, ours: list[str]) -> None:
    monkeypatch.setattr(leases, "NVIDIA_DEVICES", tmp_path / "gpus")
    for bus in ("0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0"):
        (tmp_path / "gpus" / bus).mkdir(parents=True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", said)
    assert visible_gpus() == ours
    with ExitStack() as held:
        leased = [lease for _ in ours or [""] for lease in held.enter_context(lease_devices(tmp_path / "leases", visible_gpus()))]
    assert leased == ([Lease("cuda", {"CUDA_VISIBLE_DEVICES": name, **leases.CUDA_ENVIRONMENT}) for name in ours] or [Lease("cpu", {})])


def test_without_a_driver_no_gpu_is_there_whatever_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "NVIDIA_DEVICES", tmp_path / "none")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert visible_gpus() == []
