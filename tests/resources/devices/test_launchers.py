"""A run that is killed leaves no child behind, however early it dies, and of processes that end together the one that began is named."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resources.devices.launchers import first_lost
from resources.devices.processes import has_process
from tests.locations import PROJECT

RUN = """
import sys
from resources.devices import launchers

launchers._processes.set_forkserver_preload(["resources.devices.fork_server"])
if __name__ == "__main__":
    child = launchers._processes.Process(target=launchers._run, args=("slow_module", sys.argv[1], 0, {}))
    child.start()
    child.join()
"""
MODULE = """
import os
import time
from pathlib import Path

here = Path(__file__).parent
(here / "importing.part").write_text(str(os.getpid()))
(here / "importing.part").rename(here / "importing")
while not (here / "go").exists():
    time.sleep(0.02)


def main(job, rank):
    (here / "ran").touch()
"""


def waited_for(found: Callable[[], bool], seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while not found() and time.monotonic() < until:
        time.sleep(0.02)
    return found()


def test_a_run_that_is_killed_while_its_child_still_imports_leaves_nobody_who_works_on(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(RUN)
    (tmp_path / "slow_module.py").write_text(MODULE)
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT}:{tmp_path}"}
    run = subprocess.Popen([sys.executable, str(tmp_path / "run.py"), str(tmp_path / "job.json")], cwd=PROJECT, env=environment)
    assert waited_for((tmp_path / "importing").exists)
    child = int((tmp_path / "importing").read_text())
    run.kill()
    run.wait()
    waited_for(lambda: not has_process(child), 2.0)
    (tmp_path / "go").touch()
    assert waited_for(lambda: not has_process(child)), "it ends in any case, and lets the test end"
    assert not (tmp_path / "ran").exists()


def ended(codes: list[tuple[float, int]]) -> int | None:
    """Return which of some processes is found lost first, that sleep and then end with a code, or by a signal where it is below 0."""
    started: list[Any] = []
    for seconds, code in codes:
        body = f"import os, time; time.sleep({seconds}); os.kill(os.getpid(), {-code}) if {code} < 0 else os._exit({code})"
        started.append(subprocess.Popen([sys.executable, "-c", body]))
    sentinels = [os.pidfd_open(process.pid) for process in started]
    try:
        found = first_lost(sentinels, lambda rank: started[rank].wait())
        assert [process.poll() is None for process in started] == [seconds > 10 for seconds, _ in codes], "who sleeps on was not waited for"
        return found
    finally:
        for sentinel, process in zip(sentinels, started, strict=True):
            os.close(sentinel)
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("codes", "lost"),
    [
        ([(0.0, 0), (0.2, 0)], None),
        ([(60.0, 0), (0.0, 3)], 1),
        ([(0.0, 1), (0.4, -9), (60.0, 0)], 1),
        ([(0.4, 1), (0.0, 2), (60.0, 0)], 1),
    ],
    ids=["all end well", "one fails", "one notices a killed one before we do", "one follows another"],
)
def test_of_processes_that_fail_the_cause_is_found_without_waiting_for_the_others(codes: list[tuple[float, int]], lost: int | None) -> None:
    assert ended(codes) == lost
