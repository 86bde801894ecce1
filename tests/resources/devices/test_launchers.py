"""A run that is killed leaves no child behind, however early it dies."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from resources.devices.processes import has_process
from tests.locations import PROJECT

RUN = """
import sys
from resources.devices import launchers

launchers._processes.set_forkserver_preload(["resources.devices.fork_server"])
if __name__ == "__main__":
    child = launchers._processes.Process(target=launchers._run, args=("slow_module", sys.argv[1], {}))
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


def main(job):
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
