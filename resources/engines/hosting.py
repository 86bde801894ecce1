"""Processes beside a run that speak to a cluster on its behalf, and end with it, with all that they started on this machine."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

STOP_SECONDS = 20.0
"""How long one may take once it is told to end: Slurm jobs are cancelled then."""
LOG_FILE = "host.log"
LOG_TAIL_CHARS = 2000
PROJECT = Path(__file__).parents[2]


@contextlib.contextmanager
def hosted(module: str, folder: Path, variables: dict[str, str], descriptors: Sequence[int] = ()) -> Generator["subprocess.Popen[bytes]"]:
    """Run ``python -m MODULE FOLDER`` until it ends or is done with; it writes `LOG_FILE` in the folder.

    Args:
        module: of this project.
        folder: that it works in.
        variables: of its environment, beside what leaves our packages importable.
        descriptors: of files that it holds open.
    """
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_ARRAY")}  # else datatrove thinks it is in a task
    with (folder / LOG_FILE).open("w") as stream:
        host = subprocess.Popen(
            [sys.executable, "-m", module, str(folder)],
            env={**kept, **variables, "PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=descriptors,
        )
        try:
            yield host
        finally:
            _stop(host)


def log_tail(folder: Path) -> str:
    """Return the end of what a process wrote."""
    return (folder / LOG_FILE).read_text(errors="replace").strip()[-LOG_TAIL_CHARS:]


def leave_when_told() -> None:
    """Have this process, which is one of them, end by what it does at its end when it is told to."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def _stop(host: "subprocess.Popen[bytes]") -> None:
    """End a process and all that it started on this machine; it may take back what it submitted elsewhere."""
    if host.poll() is None:
        host.terminate()
        try:
            host.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            host.kill()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(host.pid, signal.SIGKILL)
    host.wait()
