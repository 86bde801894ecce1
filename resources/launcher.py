"""Launchers: how a job that trains or evaluates gets a process of its own.

The job is a JSON file; the child (``python -m MODULE JOB``) answers through Dagster Pipes and appends its numbers to ``progress.jsonl`` beside
the job, which outlives both processes. The child dies with its parent (assets/worker.py sees to it), so that a killed run leaves nobody writing.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import dagster as dg

POLL_SECONDS = 0.5
PROGRESS_FILE = "progress.jsonl"


class Launcher(Protocol):
    """Runs one job to its end."""

    def __call__(self, module: str, job: Path, environment: dict[str, str], on_report: Callable[[dict[str, Any]], None]) -> None:
        """Run ``module`` on a job file; call ``on_report`` with each object that it reports. Raises where the child fails."""
        ...


class PipesLauncher:
    """A subprocess on this machine, spoken to through Dagster Pipes."""

    def __init__(self, context: "dg.AssetExecutionContext") -> None:
        """Launch on behalf of a running step."""
        self.context = context

    def __call__(self, module: str, job: Path, environment: dict[str, str], on_report: Callable[[dict[str, Any]], None]) -> None:
        """See `Launcher`."""
        import dagster as dg

        progress = job.with_name(PROGRESS_FILE)
        done = threading.Event()
        follower = threading.Thread(target=_follow, args=(progress, done, on_report), daemon=True)
        follower.start()
        try:
            dg.PipesSubprocessClient().run(
                context=self.context,
                command=[sys.executable, "-m", module, str(job)],
                env={**environment, "MILL_PARENT": str(os.getpid()), "PYTHONUNBUFFERED": "1"},
                cwd=str(Path(__file__).parents[1]),
            )
        finally:
            done.set()
            follower.join()


def _follow(path: Path, done: threading.Event, on_report: Callable[[dict[str, Any]], None]) -> None:
    """Pass on each whole line that is appended to a file, until told that no more will come."""
    position = path.stat().st_size if path.exists() else 0
    while True:
        last_round = done.wait(POLL_SECONDS)
        if path.exists():
            with path.open() as stream:
                stream.seek(position)
                for line in stream:
                    if not line.endswith("\n"):
                        break
                    position += len(line.encode())
                    on_report(json.loads(line))
        if last_round:
            return
