"""How benchmarks run commands of the product: in a folder of their own, as a user does, with what they take told by the system."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.measuring import Took


def mill(folder: Path, *arguments: str) -> list[str]:
    """Return the call of a command on the recipe of a folder."""
    return [str(Path(sys.executable).with_name("mill")), *arguments, "--recipe", str(folder / "recipe.yaml")]


def take_one_core() -> None:
    """Have this process and all that it starts from now on run on one core: where threads wait for each other, others' work counts as theirs."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def run_command(command: Sequence[str], folder: Path) -> Took:
    """Run a command and return what it takes, with those of its children that it waited for. Raises RuntimeError: it failed (with what it said)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MILL_")}
    environment = {**kept, "PYTHONDONTWRITEBYTECODE": ""}  # modules are compiled once, as on a user's machine, not at every start
    wall = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
    return Took(used.ru_utime + used.ru_stime, time.perf_counter() - wall)
