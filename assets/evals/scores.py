"""Scores of one model: one cell an eval, made together by one process that loads the model once."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from assets.evals.names import scores_asset
from assets.evals.needs import EvalPlan, TaskConfig, kind_of
from assets.graph.artifact import Artifact, by_name
from assets.graph.build import CellBuild, Workplace
from assets.graph.metadata import rows_markdown
from assets.graph.upstream import Partition, Upstream, whole
from assets.models.jobs import fresh_folder, link_result, run_job, seal, sealed_summary
from assets.models.names import model_asset
from kernels.specs.families import expanded, specs
from kernels.specs.tasks import Task
from resources.devices.jobs import Job, Reporter, World

SCORES, ITEMS = "scores", "items"
RESULT = "result"
"""In a cell's scratch folder: its files before they are published."""
SHOWN_ITEMS = 10


class Asked(NamedTuple):
    """One eval to be run on a model: where its result goes, what is asked, and of which data."""

    name: str
    out: Path
    plan: EvalPlan
    data: Path | None


def scores(recipe: str, model: str, plans: Mapping[str, EvalPlan]) -> Artifact:
    """Return the artifact of one model's scores."""

    def version(partition: Partition) -> str:
        task = plans[str(partition)].task
        return f"{task.name}:{task.version}"

    def config(partition: Partition) -> TaskConfig:
        plan = plans[str(partition)]
        return TaskConfig(task=plan.task.name, config=plan.config)

    return Artifact(
        recipe=recipe,
        name=scores_asset(model),
        description=f"Scores of `{model}` by eval, with intervals and chance lines, and its answer to every item (`items`).",
        group="evals",
        kinds=("pytorch", "parquet"),
        code_version="+".join(sorted({version(name) for name in plans})),
        code_version_by_partition=version,
        partitioning=by_name("evals", list(plans)),
        config=config,
        made_from=(
            whole(model_asset(model)),
            *(_only(name, upstream) for name, plan in plans.items() for upstream in kind_of(plan.task).upstream(plan)),
        ),
        build_together=lambda builds: score(builds, model, plans),
        uses_gpu=True,
    )


def _only(name: str, upstream: Upstream) -> Upstream:
    """Return what one eval reads, and the others do not."""
    return replace(upstream, choose=lambda observed, partition: upstream.choose(observed, partition) if partition == name else ())


def score(builds: Sequence[CellBuild], model: str, plans: Mapping[str, EvalPlan]) -> dict[Partition, str]:
    """Run the evals of some cells on a model, publish each that comes to an end, and return why the others did not."""
    first = builds[0]
    asked = [
        Asked(build.key, build.scratch / RESULT, plans[build.key], kind_of(plans[build.key].task).path(plans[build.key], build)) for build in builds
    ]
    failed = run_evals(first.place, first.scratch / "job", first.folder(model_asset(model)), asked)
    for build, eval_ in zip(builds, asked, strict=True):
        summary = sealed_summary(eval_.out)
        if summary is None:
            failed.setdefault(build.key, "the process that ran it ended before it did")
            continue
        link_result(eval_.out, build.draft.folder)
        _describe(build)
        build.draft.seconds = summary["seconds"]
        build.publish()
    return {build.partition: failed[build.key] for build in builds if build.key in failed}


def run_evals(place: Workplace, scratch: Path, model: Path, asked: Sequence[Asked]) -> dict[str, str]:
    """Run those evals that have no sealed result yet, in one process, and return by name why any ended without one."""
    waiting = [eval_ for eval_ in asked if sealed_summary(eval_.out) is None]
    if not waiting:
        return {}
    scratch.mkdir(parents=True, exist_ok=True)
    tasks = [
        {
            "name": eval_.name,
            "task": eval_.plan.task.name,
            "config": eval_.plan.config.model_dump(mode="json"),
            "data": None if eval_.data is None else str(eval_.data),
            "out": str(eval_.out),
        }
        for eval_ in waiting
    ]
    try:
        return run_job(place, scratch, "assets.evals.scores:do_evals", {"model": str(model), "tasks": tasks}, World())
    except RuntimeError as error:  # what came to an end before is sealed
        return {eval_.name: str(error) for eval_ in waiting if sealed_summary(eval_.out) is None}


def do_evals(job: Job, report: Reporter) -> dict[str, str]:
    """Run evals on one model in this process, seal the result of each, and return why any failed."""
    from kernels.models.formats.checkpoints import load

    model = load(Path(job.arguments["model"]), job.device)
    tasks: list[dict[str, Any]] = job.arguments["tasks"]
    failed: dict[str, str] = {}
    for number, task in enumerate(tasks):
        report({"step": number, "num_steps": len(tasks)}, task["name"])
        try:
            _do_eval(model, task)
        except (ValueError, KeyError, OSError, ArithmeticError) as error:  # the others still run
            failed[task["name"]] = f"{type(error).__name__}: {error}"
            report.say(f"{task['name']}: {failed[task['name']]}")
    return failed


def _do_eval(model: Any, task: dict[str, Any]) -> None:
    import polars as pl

    started = time.perf_counter()
    spec: Task = specs("tasks")[task["task"]]
    data = None if task["data"] is None else Path(task["data"])
    result = spec.run(model, data, expanded(spec.config).model_validate(task["config"]))
    out = fresh_folder(Path(task["out"]))
    schema = {"metric": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    schema |= {"chance": pl.Float64, "num_items": pl.Int64, "higher_is_better": pl.Boolean}
    pl.DataFrame([found._asdict() for found in result.scores], schema=schema).write_parquet(out / f"{SCORES}.parquet")
    result.items.write_parquet(out / f"{ITEMS}.parquet")
    seal(out, {"seconds": time.perf_counter() - started})


def _describe(build: CellBuild) -> None:
    """Add scores and sample answers to the draft's metadata."""
    found = pq.read_table(build.draft.folder / f"{SCORES}.parquet")
    items = pq.read_table(build.draft.folder / f"{ITEMS}.parquet")
    rows = found.to_pylist()
    build.draft.num_rows = items.num_rows
    build.draft.metadata["scores"] = rows_markdown(rows)
    build.draft.metadata["items"] = rows_markdown(items.slice(0, SHOWN_ITEMS).to_pylist())
    build.draft.metadata |= {row["metric"]: row["value"] for row in rows}
