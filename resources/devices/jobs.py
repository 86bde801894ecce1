"""Jobs: work that gets a process of its own, told as JSON. The process answers through Dagster Pipes (assets/orchestration/worker.py)."""

import json
import pkgutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

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
    """At work together, each on a GPU of its own or on its share of the cores."""
    num_nodes: int = 1
    """That have as many processes each."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes GPUs where the machine has any."""


class Request(BaseModel):
    """What is asked of a job: fields that JSON can hold, and what to do with them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def fulfil(self, job: "Job", report: Reporter) -> Any:
        """Do what is asked, in the job's own process, and return what JSON can hold: the job's result."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Job:
    """A request, and where it is fulfilled."""

    request: Request
    scratch: Path
    """A folder that outlives a killed process."""
    device: str
    num_threads: int
    """Of each process."""
    rank: int = 0
    """Which of the processes this is, counted from 0: the first tells and writes for all."""
    meeting: str = ""
    """Where the processes find each other, as ``torch.distributed`` is told; empty where there is one."""

    def save(self) -> Path:
        """Write the job, for all its processes, into its scratch folder and return the file."""
        path = self.scratch / JOB_FILE
        kind = type(self.request)
        words = {"request": f"{kind.__module__}:{kind.__qualname__}", "fields": self.request.model_dump(mode="json")}
        words |= {"scratch": str(self.scratch), "device": self.device, "num_threads": self.num_threads, "meeting": self.meeting}
        path.write_text(json.dumps(words, indent=1))
        return path


def meeting_in(folder: Path, num_processes: int, host: str = "") -> str:
    """Return where processes of one attempt at a job meet: at a free port of a host that is named, else in a file of its own in a folder.

    One process meets nobody.
    """
    if not host:
        return f"file://{folder}/meeting-{uuid4().hex}" if num_processes > 1 else ""
    with socket.create_server((host, 0)) as server:
        return f"tcp://{host}:{server.getsockname()[1]}"


def read_job(path: Path, rank: int = 0) -> Job:
    """Return the job of a file, as one of its processes does it."""
    words = json.loads(path.read_text())
    request: type[Request] = pkgutil.resolve_name(words["request"])
    return Job(
        request=request.model_validate(words["fields"]),
        scratch=Path(words["scratch"]),
        device=words["device"],
        num_threads=words["num_threads"],
        rank=rank,
        meeting=words["meeting"],
    )
