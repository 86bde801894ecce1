"""A signal ends a command at once with all that it started, whatever handlers others put in place."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.locations import PROJECT

COMMAND = """
import signal, subprocess, sys, time
from pipelines.terminal.interruption import end_on_signals
end_on_signals()
signal.signal(signal.SIGINT, lambda *a: None)   # as Dagster does while a run is under way
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
