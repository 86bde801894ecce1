"""Engines: which processes make the data cells of a run. An engine never changes a byte of what is made.

``inline`` is the run's own process. ``local``, ``ray`` and ``slurm`` hand a batch to datatrove's executors, which spread it over processes
or machines (host.py). What a worker has finished stands, since cells are published atomically; what a lost worker left
undone is given out again, up to three times (dispatch.py). Parent and workers speak through files of one folder that all of them see:

    <folder>/attempt-1/batch.json        what is asked         .../datatrove/   datatrove's own logs and completions
                      /progress/<rank>   what a task tells; locked while its worker lives
                      /host.log          what the executor's process wrote
"""

import importlib.util
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from resources.storage.lake import Cell
from resources.storage.progress import Progress

Kind = Literal["inline", "local", "ray", "slurm"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NodesKind = Literal["join", "ray", "slurm"]
NODES_KINDS: tuple[NodesKind, ...] = get_args(NodesKind)
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
class Batch:
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
    """A cluster's address; ``local`` starts one on this machine for the batch's time."""
    slurm: SlurmQueue | None = None
    nodes: NodesKind = "join"
    """Who brings the other machines of a training that asks for several: somebody by `mill join`, the Ray cluster, or Slurm."""

    def num_tasks(self, num_items: int) -> int:
        """Return into how many tasks a batch of so many items is split."""
        return min(num_items, MAX_TASKS, max(self.num_workers, num_items // ITEMS_PER_TASK))

    def to_json(self) -> dict[str, Any]:
        """Return the engine as the executor's process reads it."""
        return asdict(self)


def lacking(kind: Kind | NodesKind) -> str | None:
    """Return what is not here that a kind of engine runs on, and how to get it; None where all is."""
    if kind == "ray" and importlib.util.find_spec("ray") is None:
        return "the package ray; install modelmill[ray]"
    if kind == "slurm" and shutil.which("sbatch") is None:
        return "sbatch on the PATH; run on a machine that submits jobs"
    return None


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


def read_batch(folder: Path) -> tuple[Engine, Batch, int]:
    """Return an attempt's engine, batch and number of tasks."""
    values: dict[str, Any] = json.loads((folder / "batch.json").read_text())
    return engine_from_json(values["engine"]), Batch(**values["batch"]), values["num_tasks"]
