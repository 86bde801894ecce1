"""Leases of GPUs, on a machine that pretends to have some."""

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path

import pytest

from resources.devices import leases
from resources.devices.leases import Lease, count_gpus, lease_device, visible_gpus
from tests.locations import PROJECT


def gpu(index: int) -> Lease:
    return Lease("cuda", {"CUDA_VISIBLE_DEVICES": str(index), "CUBLAS_WORKSPACE_CONFIG": ":4096:8"})


def test_without_a_gpu_everybody_gets_the_cpu(tmp_path: Path) -> None:
    with lease_device(tmp_path / "leases", []) as first, lease_device(tmp_path / "leases", []) as second:
        assert first == second == Lease("cpu", {})


def test_each_gpu_goes_to_one_holder_and_a_third_is_refused(tmp_path: Path) -> None:
    with lease_device(tmp_path, ["0", "1"]) as first, lease_device(tmp_path, ["0", "1"]) as second:
        assert (first, second) == (gpu(0), gpu(1))
        with pytest.raises(RuntimeError, match=r"all 2 GPUs are leased .*set the pool 'training' to at most 2"), lease_device(tmp_path, ["0", "1"]):
            pass


def test_a_gpu_that_is_given_back_goes_to_the_next(tmp_path: Path) -> None:
    with ExitStack() as rest:
        with lease_device(tmp_path, ["0", "1"]) as first:
            rest.enter_context(lease_device(tmp_path, ["0", "1"]))
            assert first == gpu(0)
        with lease_device(tmp_path, ["0", "1"]) as next_one:
            assert next_one == gpu(0)


def test_an_error_within_gives_the_gpu_back(tmp_path: Path) -> None:
    def fail() -> None:
        with lease_device(tmp_path, ["0"]):
            raise RuntimeError("within")

    with pytest.raises(RuntimeError, match="within"):
        fail()
    with lease_device(tmp_path, ["0"]) as again:
        assert again == gpu(0)


def test_a_gpu_is_another_processes_until_that_is_killed(tmp_path: Path) -> None:
    body = f"""
    import sys
    from pathlib import Path
    from resources.devices.leases import lease_device
    with lease_device(Path({str(tmp_path)!r}), ["0", "1"]) as lease:
        print(lease.environment["CUDA_VISIBLE_DEVICES"], flush=True)
        sys.stdin.read()
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(body)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "0\n"
        with lease_device(tmp_path, ["0", "1"]) as ours:
            assert ours == gpu(1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with lease_device(tmp_path, ["0", "1"]) as freed:
            assert freed == gpu(0)
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
        leased = [held.enter_context(lease_device(tmp_path / "leases", visible_gpus())) for _ in ours or [""]]
    assert leased == ([Lease("cuda", {"CUDA_VISIBLE_DEVICES": name, **leases.CUDA_ENVIRONMENT}) for name in ours] or [Lease("cpu", {})])


def test_without_a_driver_no_gpu_is_there_whatever_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "NVIDIA_DEVICES", tmp_path / "none")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert visible_gpus() == []
