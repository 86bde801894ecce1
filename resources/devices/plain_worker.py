"""A child process that does its part of a job for a command, which reads the result when all have ended; see launchers.py."""

import json
from pathlib import Path

from resources.devices.jobs import RESULT_FILE, read_job


class PrintingReporter:
    """Prints words into the process's own log; numbers have nobody to be told to."""

    def __call__(self, numbers: dict[str, float], label: str = "") -> None:
        """Leave the numbers."""

    def say(self, message: str) -> None:
        """Print words."""
        print(message)


def main(path: Path, rank: int) -> None:
    """Do the job of a file, or one process's part of it."""
    import torch

    job = read_job(path, rank)
    torch.set_num_threads(job.num_threads)
    result = job.request.fulfil(job, PrintingReporter())
    if not rank:
        (job.scratch / RESULT_FILE).write_text(json.dumps(result))
