"""A child process that does one job, alone or with others, spoken to through Dagster Pipes (resources/devices/launchers.py starts it).

The first holds a lock on its scratch folder, so that two never write there, and answers for all. Each dies with its parent, so that a killed run
leaves nobody behind.
"""

import fcntl
import json
import time
from pathlib import Path

from dagster_pipes import PipesContext, open_dagster_pipes

from resources.devices import plain_worker
from resources.devices.jobs import RESULT_FILE, read_job

LOG_SECONDS = 5.0


class LoggingReporter:
    """Appends what a job tells to its progress file, and some of it to the run's log."""

    def __init__(self, scratch: Path, pipes: PipesContext) -> None:
        """Report into a scratch folder and to the parent's log."""
        self.stream = (scratch / "progress.jsonl").open("a", buffering=1)
        self.pipes = pipes
        self.logged_at = 0.0

    def __call__(self, numbers: dict[str, float], label: str = "") -> None:
        """Report one set of numbers."""
        self.stream.write(json.dumps({**numbers, **({"label": label} if label else {})}) + "\n")
        if time.monotonic() - self.logged_at >= LOG_SECONDS:
            self.logged_at = time.monotonic()
            self.pipes.log.info(" ".join([label, *(f"{name}={value:.5g}" for name, value in numbers.items())]).strip())

    def say(self, message: str) -> None:
        """Report words, at once."""
        self.stream.write(json.dumps({"label": message}) + "\n")
        self.pipes.log.warning(message)


def main(path: Path, rank: int) -> None:
    """Do the job of a file, or one process's part of it."""
    import torch

    if rank:
        plain_worker.main(path, rank)
        return
    job = read_job(path)
    torch.set_num_threads(job.num_threads)
    with (job.scratch / "worker.lock").open("w") as lock, open_dagster_pipes() as pipes:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = job.request.fulfil(job, LoggingReporter(job.scratch, pipes))
        (job.scratch / RESULT_FILE).write_text(json.dumps(result))
