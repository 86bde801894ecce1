"""Slurm's queue, asked by its commands."""

import os
import subprocess
import time

QUEUE_SECONDS = 2.0


def wait_for_job(job: str, parent: int) -> None:
    """Return when a job has ended. It is taken back where this process ends first, or its parent."""
    try:
        while _is_queued(job) and os.getppid() == parent:
            time.sleep(QUEUE_SECONDS)
    finally:
        subprocess.run(["scancel", job], check=False)


def _is_queued(job: str) -> bool:
    """Return whether Slurm still has a job waiting or running. A controller that does not answer has not ended it."""
    answer = subprocess.run(["squeue", "--noheader", f"--jobs={job}"], capture_output=True, text=True, check=False)
    return bool(answer.stdout.strip()) if answer.returncode == 0 else "Invalid job id" not in answer.stderr
