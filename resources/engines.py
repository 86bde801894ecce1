"""Engines: which processes make the data cells of a run. An engine never changes a byte of what is made.

``inline`` is the run's own process. ``local``, ``ray`` and ``slurm`` hand a job to datatrove's executors, which spread it over processes
or machines (resources/engine_host.py). What a worker has finished stands, since cells are published atomically; what a lost worker left
undone is given out again, up to `MAX_ATTEMPTS` times. Parent and workers speak through files of one folder that all of them see:

    <folder>/attempt-1/job.json          what is asked         .../datatrove/   datatrove's own logs and completions
                      /progress/<rank>   what a task tells; locked while its worker lives
                      /host.log          what the executor's process wrote
"""

import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from resources.lake import Cell
from resources.progress import Progress

Kind = Literal["inline", "local", "ray", "slurm"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_ATTEMPTS = 3
ITEMS_PER_TASK = 16
"""Tasks are no longer than this where workers are few, so that a long one does not leave the others idle at the end."""
MAX_TASKS = 1000
"""Slurm's usual limit on one array of jobs is 1001."""


class SlurmQueue(NamedTuple):
    """Where Slurm jobs go."""

    partition: str
    time_limit: str
    """As sbatch takes it: ``24:00:00``."""
    arguments: dict[str, str]
    """Further sbatch options by name: ``account``, ``qos``, ``mem-per-cpu``."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What workers are asked to do, in plain text, so that any process on any machine can take it up."""

    opener: str
    """``module:function``; called once a task with ``settings``, it returns what is called with each item's strings."""
    settings: dict[str, str]
    items: list[list[str]]
    """Each item's first string is its name."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How many workers of which kind. The defaults are the run's own process."""

    kind: Kind = "inline"
    num_workers: int = 1
    ray_address: str = "local"
    """A cluster's address; ``local`` starts one on this machine for the job's time."""
    slurm: SlurmQueue | None = None

    def num_tasks(self, num_items: int) -> int:
        """Return into how many tasks a job of so many items is split."""
        return min(num_items, MAX_TASKS, max(self.num_workers, num_items // ITEMS_PER_TASK))

    def run(self, job: Job, folder: Path, listener: Callable[[Progress], None]) -> dict[str, str]:
        """Do a job on workers and return the items that were not done, each with the reason.

        ``listener`` hears what the workers tell of their cells. The folder goes away unless something failed.

        Raises:
            RuntimeError: the engine could not be started.
        """
        from resources.engine_attempt import Attempt

        self.check()
        failed: dict[str, str] = {}
        items = job.items
        for number in range(1, MAX_ATTEMPTS + 1):
            split = self.num_tasks(len(items)) if number == 1 else min(len(items), MAX_TASKS)
            attempt = Attempt(self, Job(opener=job.opener, settings=job.settings, items=items), split, folder / f"attempt-{number}", listener)
            attempt.run()
            failed |= attempt.failed
            items = attempt.unsettled()
            if not items:
                break
        failed |= {item[0]: f"its worker was lost {MAX_ATTEMPTS} times (killed, or out of memory); its logs are in {folder}" for item in items}
        if not failed:
            shutil.rmtree(folder, ignore_errors=True)
        return failed

    def check(self) -> None:
        """Raise RuntimeError where what the engine runs on is not installed."""
        if self.kind == "ray" and importlib.util.find_spec("ray") is None:
            raise RuntimeError("the engine ray needs the package ray; install modelmill[ray], or set MILL_ENGINE to local")
        if self.kind == "slurm" and shutil.which("sbatch") is None:
            raise RuntimeError("the engine slurm needs sbatch on the PATH; run on a machine that submits jobs, or set MILL_ENGINE to local")

    def to_json(self) -> dict[str, Any]:
        """Return the engine as the executor's process reads it."""
        return asdict(self)


def engine_from_json(values: dict[str, Any]) -> Engine:
    """Return the engine that `Engine.to_json` gave."""
    slurm = values.pop("slurm")
    return Engine(**values, slurm=slurm and SlurmQueue(*slurm))


def progress_to_json(progress: Progress) -> list[Any]:
    """Return a progress as a line of a progress file holds it."""
    return [list(progress.cell), *progress[1:]]


def progress_from_json(values: list[Any]) -> Progress:
    """Return the progress that `progress_to_json` gave."""
    return Progress(Cell(*values[0]), *values[1:])


def read_job(folder: Path) -> tuple[Engine, Job, int]:
    """Return an attempt's engine, job and number of tasks."""
    values: dict[str, Any] = json.loads((folder / "job.json").read_text())
    return engine_from_json(values["engine"]), Job(**values["job"]), values["num_tasks"]
