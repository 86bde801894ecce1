"""A signal ends a command at once with all that it started, whatever handlers others put in place."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.locations import PROJECT

BEGIN = """
import signal, subprocess, sys, time
from pipelines.terminal.interruption import end_on_signals
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)  # whatever these tests run under
end_on_signals()
"""
COMMAND = f"""
{BEGIN}signal.signal(signal.SIGINT, lambda *a: None)   # as Dagster does while a run is under way
signal.signal(signal.SIGTERM, lambda *a: None)
sleeper = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", sleeper], start_new_session=True)
stubborn = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
print(child.pid, stubborn.pid, flush=True)
time.sleep(600)
"""


def children(pid: int) -> list[int]:
    from resources.devices.descendants import descendants

    return descendants(pid)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="children are found by /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_command_and_all_below_it(number: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = subprocess.Popen([sys.executable, "-c", COMMAND], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert command.stdout is not None and command.stderr is not None
    with command, command.stdout, command.stderr:
        command.stdout.readline()
        until = time.monotonic() + 60
        while len(children(command.pid)) < 3 and time.monotonic() < until:
            time.sleep(0.05)
        below = children(command.pid)
        assert len(below) == 3
        time.sleep(1)  # until the stubborn one ignores
        command.send_signal(number)
        assert command.wait(60) == 128 + number
        assert f"ended by {number.name}; what is made stands" in command.stderr.read()
    until = time.monotonic() + 10
    while not all(map(is_gone, below)) and time.monotonic() < until:
        time.sleep(0.05)
    assert all(map(is_gone, below))


JOB = """
import ctypes, pathlib, signal, sys, time
from resources.devices.descendants import name_as_job
from resources.devices.lifeline import die_with_parent
die_with_parent()
name_as_job()
asked = []
signal.signal(signal.SIGTERM, lambda *a: asked.append(1))
kept = pathlib.Path(sys.argv[1])
kept.with_name("listens").touch()
while not (asked and sys.argv[2] == "keeps"):
    time.sleep(0.05)
time.sleep(3)  # longer than others are given
kept.touch()
"""
SERVER = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', *sys.argv[1:]]); time.sleep(600)"
SERVED = f"""
{BEGIN}subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], start_new_session=True).wait()
print("what the end of jobs leads to", flush=True)
time.sleep(600)
"""


def serve(kept: Path, does: str) -> "subprocess.Popen[str]":
    """Return a command whose job, below a process that ends when it is asked to, listens."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = subprocess.Popen(
        [sys.executable, "-c", SERVED, SERVER, JOB, str(kept), does], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not kept.with_name("listens").exists() and time.monotonic() < until:
        time.sleep(0.05)
    return command


@pytest.mark.skipif(sys.platform != "linux", reason="children are found by /proc")
def test_a_job_that_listens_has_time_to_keep_what_it_has(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    command = serve(kept, "keeps")
    assert command.stdout is not None and command.stderr is not None
    with command, command.stdout, command.stderr:
        command.send_signal(signal.SIGTERM)
        assert command.wait(60) == 128 + signal.SIGTERM
        assert kept.exists()
        assert command.stdout.read() == "", "nothing more is said"


@pytest.mark.skipif(sys.platform != "linux", reason="children are found by /proc")
def test_a_second_signal_ends_a_job_that_takes_its_time(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    command = serve(kept, "stays")
    assert command.stdout is not None and command.stderr is not None
    with command, command.stdout, command.stderr:
        below = children(command.pid)
        command.send_signal(signal.SIGINT)
        time.sleep(1)
        assert command.poll() is None and len(below) == 2
        began = time.monotonic()
        command.send_signal(signal.SIGINT)
        assert command.wait(60) == 128 + signal.SIGINT
        assert time.monotonic() - began < 15, "jobs that listen are given 25 s"
    assert all(map(is_gone, below)) and not kept.exists()
