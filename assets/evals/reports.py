"""Evaluation: a report for every model, a leaderboard over all, and the release gate."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SerializeAsAny

from assets.graph.artifact import Artifact, Dependency, Work, markdown_table
from assets.models.models import model_asset, run_job
from assets.tokens.tokens import mixture_asset
from kernels.evals.gates import GateConfig
from kernels.specs.config import Config
from kernels.specs.tasks import Eval, Score
from resources.storage.sources import Location

LEADERBOARD_ASSET = "evals/leaderboard"
RELEASE_ASSET = "release"
LEADERBOARD_VERSION = 1
RELEASE_VERSION = 1
RELEASE_FILE = "release.json"


class EvalPlan(NamedTuple):
    """One task as the recipe chose it."""

    spec: Eval
    config: Config
    mixture: str | None
    """Whose validation documents it reads, for held-out tasks."""
    location: Location | None
    """Its data file, for the others."""


class TaskConfig(Config):
    """One task of a report."""

    name: str
    """The recipe's name of it."""
    task: str
    """The eval."""
    config: SerializeAsAny[Config]
    """The eval's own config."""


class ReportConfig(Config):
    """All tasks of a report."""

    tasks: list[TaskConfig]
    """In the order of the recipe."""


def report_asset(model: str) -> str:
    """Return the asset name of a model's report."""
    return f"evals/{model}"


def report(recipe: str, model: str, plans: Mapping[str, EvalPlan]) -> Artifact:
    """Return the artifact of one model's evaluation report."""
    config = ReportConfig(tasks=[TaskConfig(name=name, task=plan.spec.name, config=plan.config) for name, plan in plans.items()])
    mixtures = sorted({mixture_asset(plan.mixture) for plan in plans.values() if plan.mixture})
    inputs = [f"inputs/{name}" for name, plan in plans.items() if plan.location]

    def data_file(work: Work, plan: EvalPlan) -> str | None:
        if plan.mixture:
            return str(work.folder(mixture_asset(plan.mixture)) / "heldout.parquet")
        return plan.location.root if plan.location else None

    def build(work: Work) -> None:
        scratch = work.home.scratch(work.cell, work.identity.fingerprint)
        tasks = [
            {"name": name, "task": plan.spec.name, "config": plan.config.model_dump(mode="json"), "data": data_file(work, plan)}
            for name, plan in plans.items()
        ]
        summary = run_job(work, scratch, {"kind": "report", "tasks": tasks, "model": str(work.folder(model_asset(model)))})
        work.draft.metadata |= summary
        _describe_report(work, list(plans))
        shutil.rmtree(scratch)

    return Artifact(
        recipe=recipe,
        name=report_asset(model),
        description=f"Scores of `{model}` on every task, with intervals and chance lines, and its answer to every item (`items_*`).",
        group="evals",
        kinds=("pytorch", "parquet"),
        code_version="+".join(f"{name}:{plan.spec.version}" for name, plan in plans.items()),
        partitioned=False,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [Dependency(name, (None,)) for name in (model_asset(model), *mixtures, *inputs)],
        build=build,
        upstream=(model_asset(model), *mixtures, *inputs),
        pool="training",
        uses_gpu=True,
    )


def _describe_report(work: Work, tasks: list[str]) -> None:
    """Add scores and sample answers to the draft's metadata."""
    import pyarrow.parquet as pq

    scores = pq.read_table(work.draft.folder / "scores.parquet")
    rows = scores.to_pylist()
    work.draft.num_rows = scores.num_rows
    work.draft.metadata |= {f"{row['eval']}/{row['metric']}": row["value"] for row in rows}
    work.draft.metadata["scores"] = {"markdown": markdown_table(rows)}
    for name in tasks:
        items = pq.read_table(work.draft.folder / f"items_{name}.parquet").slice(0, 10)
        work.draft.metadata[f"items_{name}"] = {"markdown": markdown_table(items.to_pylist())}


def leaderboard(recipe: str, models: list[str]) -> Artifact:
    """Return the artifact that compares all models."""

    def build(work: Work) -> None:
        import polars as pl

        from kernels.charts.scores import plot_scores
        from kernels.evals.leaderboard import headlines, leaderboard_markdown, leaderboard_table

        scores = pl.concat(
            [pl.read_parquet(work.folder(report_asset(model)) / "scores.parquet").select(pl.lit(model).alias("model"), pl.all()) for model in models]
        )
        table = leaderboard_table(scores)
        work.write("scores", scores.to_arrow())
        work.write("leaderboard", table.to_arrow(), main=True)
        (work.draft.folder / "leaderboard.md").write_text(leaderboard_markdown(table))
        (work.draft.folder / "leaderboard.png").write_bytes(plot_scores(*headlines(scores)))
        work.draft.unhashed.append("leaderboard.png")
        work.draft.metadata |= {"leaderboard": {"markdown": leaderboard_markdown(table)}, "plot": {"png": "leaderboard.png"}}

    return Artifact(
        recipe=recipe,
        name=LEADERBOARD_ASSET,
        description="All models of the recipe side by side: scores, confidence intervals, chance, as a table and as a plot.",
        group="evals",
        kinds=("polars", "plot"),
        code_version=f"leaderboard:{LEADERBOARD_VERSION}",
        partitioned=False,
        config=lambda partition: None,
        dependencies=lambda registry, partition: [Dependency(report_asset(model), (None,)) for model in models],
        build=build,
        upstream=tuple(report_asset(model) for model in models),
    )


def release(recipe: str, candidate: str, config: GateConfig) -> Artifact:
    """Return the artifact that names the released model; a candidate takes its place only if it is not worse."""

    def build(work: Work) -> None:
        from kernels.evals.gates import decide

        row = _score(work.folder(report_asset(candidate)) / "scores.parquet", config.metric)
        previous = _released(work)
        decision = decide(Score(**row), Score(**previous["score"]) if previous else None, config)
        if previous is None and not decision.promote:
            raise ValueError(f"release: {decision.reason}; there is nothing to release")
        chosen = {"model": candidate, "content": work.lake.require(work.parent(model_asset(candidate))).content, "score": row}
        released = chosen if previous is None or decision.promote else previous
        (work.draft.folder / RELEASE_FILE).write_text(json.dumps(released, indent=1, sort_keys=True))
        work.draft.metadata |= {
            "released_model": released["model"],
            "released_content": released["content"],
            config.metric: released["score"]["value"],
            "promoted": decision.promote,
            "reason": decision.reason,
        }

    return Artifact(
        recipe=recipe,
        name=RELEASE_ASSET,
        description="The released model. A candidate is promoted only if it is not worse than the one that stands.",
        group="release",
        kinds=("json",),
        code_version=f"release:{RELEASE_VERSION}",
        partitioned=False,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [Dependency(report_asset(candidate), (None,)), Dependency(model_asset(candidate), (None,))],
        build=build,
        upstream=(report_asset(candidate), model_asset(candidate)),
    )


def _released(work: Work) -> dict[str, Any] | None:
    """Return what stands released, None the first time."""
    if work.lake.manifest(work.cell) is None:
        return None
    return json.loads((work.lake.folder(work.cell) / RELEASE_FILE).read_text())


def _score(path: Path, metric: str) -> dict[str, Any]:
    """Return the row of a metric written ``eval/metric``."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    for row in table.to_pylist():
        if f"{row.pop('eval')}/{row['metric']}" == metric:
            return row
    names = ", ".join(f"{row['eval']}/{row['metric']}" for row in table.to_pylist())
    raise ValueError(f"release: the report has no metric {metric!r}; it has {names}")
