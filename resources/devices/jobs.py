"""Jobs: work that gets a process of its own, told as JSON. The process answers through Dagster Pipes (assets/orchestration/worker.py)."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

JOB_FILE, RESULT_FILE = "job.json", "result.json"


class Reporter(Protocol):
    """Takes what a job tells while it runs."""

    def __call__(self, numbers: dict[str, float], label: str = "") -> None:
        """Take numbers, and a word on what they are of."""
        ...

    def say(self, message: str) -> None:
        """Take what a reader of the run's log should know."""
        ...


@dataclass(frozen=True, kw_only=True)
class World:
    """Where a job runs: recorded beside what it makes, and never part of its identity."""

    num_processes: int = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes a GPU where the machine has one that is free."""
    strategy: Literal["single"] = "single"
    """How the work is spread over the processes."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job. ``function`` (``module:function``) is called with the job and a reporter; what it returns (JSON) is the job's result."""

    function: str
    arguments: dict[str, Any]
    scratch: str
    """A folder that outlives a killed process."""
    device: str
    num_threads: int

    def save(self) -> Path:
        """Write the job into its scratch folder and return the file."""
        path = Path(self.scratch) / JOB_FILE
        path.write_text(json.dumps(asdict(self), indent=1))
        return path


def read_job(path: Path) -> Job:
    """Return the job of a file."""
    return Job(**json.loads(path.read_text()))
