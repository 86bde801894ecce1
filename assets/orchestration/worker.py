"""The child process that trains or evaluates one job, spoken to through Dagster Pipes (resources/launcher.py starts it).

It holds a lock on its scratch folder, so that two never write there, and dies with its parent, so that a killed run leaves nobody behind.
"""

import fcntl
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from dagster_pipes import PipesContext, open_dagster_pipes

from kernels.specs.families import specs
from kernels.specs.methods import ModelJob, ModelMethod
from kernels.specs.tasks import Eval
from resources.devices.lifeline import die_with_parent

LOG_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the parent asks for, as JSON. Paths are strings, configs their JSON form."""

    kind: Literal["model", "report"]
    scratch: str
    out: str
    device: str
    num_threads: int
    tasks: list[dict[str, Any]]
    """``model``: one entry ``{method, config, parents, data, tokenizer}``; ``report``: one a task ``{name, task, config, data}``."""
    model: str = ""
    """The checkpoint to evaluate."""

    def save(self) -> Path:
        """Write the job into its scratch folder and return the file."""
        path = Path(self.scratch) / "job.json"
        path.write_text(json.dumps(asdict(self), indent=1))
        return path


class Reporter:
    """Appends numbers to the progress file, and some of them to the run's log."""

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


def build_model(job: Job, report: Reporter) -> dict[str, Any]:
    """Run one model method; its summary goes to ``summary.json`` beside the job."""
    (task,) = job.tasks
    method: ModelMethod = specs("methods")[task["method"]]
    return method.run(
        ModelJob(
            config=method.config.model_validate(task["config"]),
            parents={role: Path(folder) for role, folder in task["parents"].items()},
            data=Path(task["data"]) if task["data"] else None,
            tokenizer=Path(task["tokenizer"]) if task["tokenizer"] else None,
            out=Path(job.out),
            scratch=Path(job.scratch),
            device=job.device,
            report=report,
        )
    )


def build_report(job: Job, report: Reporter) -> dict[str, Any]:
    """Run every task on one model; scores and items go to Parquet files in ``out``."""
    import polars as pl

    from kernels.models.formats.checkpoints import load

    evals: dict[str, Eval] = specs("tasks")
    model = load(Path(job.model), job.device)
    scores: list[dict[str, Any]] = []
    seconds: dict[str, Any] = {}
    for number, task in enumerate(job.tasks):
        report({"step": number, "num_steps": len(job.tasks)}, task["name"])
        started = time.perf_counter()
        spec = evals[task["task"]]
        result = spec.run(model, Path(task["data"]) if task["data"] else None, spec.config.model_validate(task["config"]))
        scores += [{"eval": task["name"], **score._asdict()} for score in result.scores]
        result.items.write_parquet(Path(job.out) / f"items_{task['name']}.parquet")
        seconds[f"seconds_{task['name']}"] = time.perf_counter() - started
    schema = {"eval": pl.String, "metric": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    schema |= {"chance": pl.Float64, "num_items": pl.Int64, "higher_is_better": pl.Boolean}
    pl.DataFrame(scores, schema=schema).write_parquet(Path(job.out) / "scores.parquet")
    return seconds


def main(path: Path) -> None:
    """Do the job of a file."""
    die_with_parent()
    job = Job(**json.loads(path.read_text()))
    scratch = Path(job.scratch)
    with (scratch / "worker.lock").open("w") as lock, open_dagster_pipes() as pipes:
        fcntl.flock(lock, fcntl.LOCK_EX)
        import torch

        torch.set_num_threads(job.num_threads)
        summary = {"model": build_model, "report": build_report}[job.kind](job, Reporter(scratch, pipes))
        (scratch / "summary.json").write_text(json.dumps(summary))
