"""Models: every checkpoint of the recipe's tree, made in a process of its own that resumes where a killed one stopped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SerializationInfo, SerializeAsAny, model_serializer

from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild
from assets.models.jobs import fresh_folder, link_result, run_job, seal, sealed_summary
from assets.models.names import model_asset
from assets.models.needs import NeedsOfRecipe, fetch, upstreams
from assets.models.offline_runs import check_library, keep_offline_run
from assets.models.told import show_training
from kernels.specs.architectures import Architecture
from kernels.specs.config import Config
from kernels.specs.families import choices, expanded, specs
from kernels.specs.layout import ELSEWHERE, Layout, Rank
from kernels.specs.methods import Method, MethodJob
from kernels.tokens.mixtures.config import ValidationShare
from resources.devices.jobs import Job, Reporter, Request, World
from resources.devices.provenance import device

CHECKPOINT = "checkpoint"
"""In a scratch folder: what becomes the model."""
NOWHERE = "nowhere"
"""There, and never made: where processes beside the first would write."""


class ModelPlan(NamedTuple):
    """One model as the recipe chose it."""

    method: Method
    config: Config
    said: NeedsOfRecipe
    world: World
    limits: Mapping[str, Config]
    """Thresholds by check of the method."""
    wandb_project: str | None = None
    """Where an offline run of its training goes; no byte of the checkpoint depends on it."""
    layout: Layout = Layout()
    """How its training is spread over the processes of its world."""
    modules: tuple[Architecture, ...] = ()
    """The families whose modules may take a parent further: what their modules compute is part of what makes the model."""


def model(recipe: str, name: str, plan: ModelPlan) -> Artifact:
    """Return the artifact of one checkpoint."""
    parents, method = plan.said.parents, plan.method
    what = "A checkpoint in Transformers form (safetensors, tokenizer, chat template)" if method.has_weights else "Where a model of an API is"
    return Artifact(
        recipe=recipe,
        name=model_asset(name),
        description=f"{what}, made by `{method.name}`" + (f" from {', '.join(parents)}." if parents else "."),
        group="models",
        kinds=("pytorch", "huggingface") if method.has_weights else ("api",),
        code_version="+".join(f"{spec.name}:{spec.version}" for spec in (method, *choices(plan.config), *plan.modules)),
        config=lambda partition: computed_by(plan),
        made_from=upstreams(method.needs, plan.said),
        build=lambda build: run_method(build, plan),
        uses_gpu=method.has_weights,
    )


class ConfigOfExamples(Config):
    """A method's config, and what is left out of its examples; written as one."""

    method: SerializeAsAny[Config]
    held_out: dict[str, tuple[ValidationShare, ...]]

    @model_serializer
    def _as_one(self, info: SerializationInfo) -> dict[str, Any]:
        held_out = {source: [share.model_dump() for share in shares] for source, shares in self.held_out.items()}
        return {**self.method.model_dump(mode="json", by_alias=info.by_alias), "held_out": held_out}


def computed_by(plan: ModelPlan) -> Config:
    """Return what a checkpoint is computed by, beside what it is made from."""
    return ConfigOfExamples(method=plan.config, held_out=dict(plan.said.held_out)) if plan.said.held_out else plan.config


def run_method(build: CellBuild, plan: ModelPlan) -> None:
    """Make the checkpoint, unless an attempt that could not publish it has left it whole."""
    if plan.layout.back_end in ELSEWHERE:
        model = build.cell.asset.partition("/")[2]
        ways = f"mill launch {model} --to FOLDER writes what it needs, and mill land brings back what it trained"
        raise ValueError(f"{build.cell}: {plan.layout.back_end} trains on a machine of its own: {ways}; or take another back_end")
    if plan.wandb_project is not None:
        check_library(build.cell)
    if plan.world.device == "cpu":
        build.draft.device = device(uses_gpu=False)
    checkpoint = build.scratch / CHECKPOINT
    summary = sealed_summary(checkpoint)
    if summary is None:
        paths = fetch(plan.method.needs, plan.said, build)
        request = MethodRequest(method=plan.method.name, config=plan.config.model_dump(mode="json"), layout=plan.layout, paths=paths)
        summary = run_job(build.place, str(build.cell), build.scratch, request, plan.world)
    link_result(checkpoint, build.draft.folder)
    build.draft.unhashed += plan.method.unhashed
    show_training(build)
    nodes = {"nodes": plan.world.num_nodes} if plan.world.num_nodes > 1 else {}
    build.draft.metadata |= {**summary, "world": {"device": plan.world.device, **nodes, **plan.layout.model_dump(exclude_defaults=True)}}
    if plan.wandb_project is not None:
        keep_offline_run(build, plan.wandb_project)


class MethodRequest(Request):
    """A method to be run."""

    method: str
    config: dict[str, Any]
    layout: Layout
    paths: Sequence[Path | None]
    """What the method needs, in the order of its needs; None where the recipe leaves it out."""

    def fulfil(self, job: Job, report: Reporter) -> dict[str, Any]:
        """Run the method, in this process or with others, and have the first seal the checkpoint, unless a run that it waited for has done so."""
        sealed = sealed_summary(job.scratch / CHECKPOINT)
        if sealed is not None:
            return sealed
        method: Method = specs("methods")[self.method]
        out = job.scratch / NOWHERE if job.rank else fresh_folder(job.scratch / CHECKPOINT)
        summary = method.run(
            MethodJob(
                config=expanded(method.config).model_validate(self.config),
                paths={need: path for need, path in zip(method.needs, self.paths, strict=True) if path is not None},
                out=out,
                scratch=job.scratch,
                device=job.device,
                report=report,
                say=report.say,
                rank=Rank(self.layout, job.rank, job.meeting),
            )
        )
        if not job.rank:
            seal(out, summary)
        return summary
