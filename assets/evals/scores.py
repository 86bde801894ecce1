"""Scores of one model: one cell an eval, made together by one process that loads the model once."""

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from assets.evals.names import scores_asset
from assets.evals.needs import EvalPlan, TaskConfig, kind_of
from assets.graph.artifact import Artifact, by_name
from assets.graph.build import CellBuild, Workplace, reason_of
from assets.graph.metadata import rows_markdown
from assets.graph.upstream import Partition, Upstream, whole
from assets.models.jobs import fresh_folder, link_result, run_job, seal, sealed_summary
from assets.models.names import model_asset
from kernels.specs.families import expanded, specs
from kernels.specs.tasks import Progress, Task
from resources.devices.inference import Inference
from resources.devices.jobs import Job, Reporter, Request, World
from resources.storage.tables import read_table

SCORES, ITEMS, VALUES = "scores", "items", "values"
RESULT = "result"
"""In a cell's scratch folder: its files before they are published."""
SHOWN_ITEMS = 10
COUNTED = {
    "num_tokens_cut": "num_items_cut",
    "num_shots_cut": "num_items_with_fewer_shots",
    "rejected": "num_items_rejected",
    "num_unknown_bytes": "num_items_with_unknown_text",
}
"""Columns of items that tell of one that was not asked, or not as it is, and as what they are counted: some models are asked less than others."""


def scores(recipe: str, model: str, plans: Mapping[str, EvalPlan], group: str = "evals") -> Artifact:
    """Return the artifact of one model's scores. Models of one ``group`` are asked the same evals."""

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
        partitioning=by_name(group, list(plans)),
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
    asked, failed = list[EvalRequest](), dict[str, str]()
    for build in builds:
        try:
            asked.append(request_of(plans[build.key], build))
        except (ValueError, OSError) as error:  # of its data
            failed[build.key] = reason_of(error)
    failed |= run_evals(first.place, first.scratch / "job", first.folder(model_asset(model)), asked)
    for build in builds:
        summary = sealed_summary(build.scratch / RESULT)
        if build.key in failed or summary is None:
            failed.setdefault(build.key, "the process that ran it ended before it did")
            continue
        link_result(build.scratch / RESULT, build.draft.folder)
        _describe(build)
        build.draft.seconds = summary.pop("seconds")
        build.draft.metadata |= summary
        build.publish()
    return {build.partition: failed[build.key] for build in builds if build.key in failed}


class EvalRequest(BaseModel):
    """One eval to be run: the task and its config, the data that it reads, and where its result goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    task: str
    config: dict[str, Any]
    data: Path | None
    out: Path

    def run(self, model: Any, progress: Progress) -> None:
        """Run the eval on a loaded model and seal its result, unless another run has meanwhile.

        Raises:
            ValueError: what is asked makes no sense of such a model.
        """
        import polars as pl

        from kernels.inference.asked_models import spent

        if sealed_summary(self.out) is not None:
            return
        started = time.perf_counter()
        spent(model)  # what an eval has cost that failed before is not this one's
        spec: Task = specs("tasks")[self.task]
        if model.attention not in spec.attentions:
            able = " or ".join(sorted(spec.attentions))
            raise ValueError(f"the task {spec.name!r} is for {able} models, and this one is {model.attention}; leave the eval or the model out")
        result = spec.run(model, self.data, expanded(spec.config).model_validate(self.config), progress)
        out = fresh_folder(self.out)
        schema = {"metric": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
        schema |= {"chance": pl.Float64, "num_items": pl.Int64, "higher_is_better": pl.Boolean}
        pl.DataFrame([found._asdict() for found in result.scores], schema=schema).write_parquet(out / f"{SCORES}.parquet")
        result.items.write_parquet(out / f"{ITEMS}.parquet")
        result.values.write_parquet(out / f"{VALUES}.parquet")
        seal(out, {"seconds": time.perf_counter() - started, **spent(model)})


def request_of(plan: EvalPlan, build: CellBuild) -> EvalRequest:
    """Return an eval as a job is asked for it; its result goes into the cell's scratch folder."""
    config = plan.config.model_dump(mode="json")
    return EvalRequest(name=plan.name, task=plan.task.name, config=config, data=kind_of(plan.task).path(plan, build), out=build.scratch / RESULT)


def run_evals(place: Workplace, scratch: Path, model: Path, asked: Sequence[EvalRequest]) -> dict[str, str]:
    """Run those evals that have no sealed result yet, in one process, and return by name why any ended without one."""
    waiting = [eval_ for eval_ in asked if sealed_summary(eval_.out) is None]
    if not waiting:
        return {}
    scratch.mkdir(parents=True, exist_ok=True)
    request = EvalsRequest(model=model, evals=waiting, inference=place.inference)
    try:
        return run_job(place, f"evals {', '.join(eval_.name for eval_ in waiting)}", scratch, request, World())
    except RuntimeError as error:  # what came to an end before is sealed
        return {eval_.name: str(error) for eval_ in waiting if sealed_summary(eval_.out) is None}


class EvalsRequest(Request):
    """Evals to be run on one model."""

    model: Path
    evals: Sequence[EvalRequest]
    inference: Inference
    """How the model is asked."""

    def fulfil(self, job: Job, report: Reporter) -> dict[str, str]:
        """Load the model once, run the evals, and return why any failed."""
        from kernels.inference.asked_models import opened

        failed: dict[str, str] = {}
        with opened(self.model, job.device, self.inference.backend, is_invariant=self.inference.is_invariant) as model:
            for number, eval_ in enumerate(self.evals):
                try:
                    eval_.run(model, progress_of(report, eval_.name, number, len(self.evals)))
                except Exception as error:  # whatever it is, the others still run
                    traceback.print_exc()
                    failed[eval_.name] = reason_of(error)
                    report.say(f"{eval_.name}: {failed[eval_.name]}")
        return failed


def progress_of(report: Reporter, name: str, number: int, num_evals: int) -> Progress:
    """Return what tells how many items of an eval are done, and how long the rest takes at the pace so far."""
    started, label = time.perf_counter(), f"{name} ({number + 1} of {num_evals} evals)"
    report({"step": 0, "num_steps": 0}, label)

    def progress(num_done: int, num_items: int) -> None:
        left = (time.perf_counter() - started) * (num_items - num_done) / max(1, num_done)
        report({"step": num_done, "num_steps": num_items, "seconds_left": round(left)}, label)

    return progress


def _describe(build: CellBuild) -> None:
    """Add scores and sample answers to the draft's metadata."""
    found = read_table(build.draft.folder / f"{SCORES}.parquet")
    items = read_table(build.draft.folder / f"{ITEMS}.parquet")
    rows = found.to_pylist()
    build.draft.num_rows = items.num_rows
    build.draft.metadata["scores"] = rows_markdown(rows)
    build.draft.metadata["items"] = rows_markdown(items.slice(0, SHOWN_ITEMS).to_pylist())
    build.draft.metadata |= {row["metric"]: row["value"] for row in rows}
    build.draft.metadata |= {name: sum(map(bool, items[column].to_pylist())) for column, name in COUNTED.items() if column in items.column_names}
