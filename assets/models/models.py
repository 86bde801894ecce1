"""Models: every checkpoint of the recipe's tree, made in a process of its own that resumes where a killed one stopped."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from assets.corpus.documents import CLEAN_ASSET, source_of
from assets.graph.artifact import Artifact, Dependency, Work
from assets.orchestration.worker import Job
from assets.tokens.tokens import TOKENIZER_ASSET, mixture_asset
from kernels.specs.config import Config
from kernels.specs.methods import ModelMethod
from resources.devices.leases import count_gpus, lease_device, num_cores
from resources.storage.sources import Location, Registry
from resources.storage.tables import write_table

LOSSES = "losses.parquet"


class ModelPlan(NamedTuple):
    """One model as the recipe chose it."""

    method: ModelMethod
    config: Config
    parents: tuple[str, ...]
    data: str | tuple[str, ...] | None
    location: Location | None
    """Where the package is, for methods that adopt one."""


def model_asset(name: str) -> str:
    """Return the asset name of a model."""
    return f"models/{name}"


def model(recipe: str, name: str, plan: ModelPlan) -> Artifact:
    """Return the artifact of one checkpoint."""
    conversations = plan.data if isinstance(plan.data, tuple) else ()

    def dependencies(registry: Registry, partition: str | None) -> list[Dependency]:
        needed = [Dependency(model_asset(parent), (None,)) for parent in plan.parents]
        if plan.method.data == "mixture":
            needed += [Dependency(mixture_asset(str(plan.data)), (None,)), Dependency(TOKENIZER_ASSET, (None,))]
        elif plan.method.data == "conversations":
            members = tuple(active.key for active in registry.active() if active.source in conversations)
            needed.append(Dependency(CLEAN_ASSET, members, optional=True))
        elif plan.method.data == "package":
            needed.append(Dependency(f"inputs/{name}", (None,)))
        return needed

    def build(work: Work) -> None:
        scratch = work.home.scratch(work.cell, work.identity.fingerprint)
        data: Path | None = None
        if plan.method.data == "mixture":
            data = work.folder(mixture_asset(str(plan.data)))
        elif plan.method.data == "conversations":
            data = _gather_conversations(work, conversations, scratch)
        elif plan.location is not None:
            data = Path(plan.location.root)
        task = {
            "method": plan.method.name,
            "config": plan.config.model_dump(mode="json"),
            "parents": {role: str(work.folder(model_asset(parent))) for role, parent in zip(plan.method.roles, plan.parents, strict=True)},
            "data": str(data) if data else None,
            "tokenizer": str(work.folder(TOKENIZER_ASSET)) if plan.method.data == "mixture" else None,
        }
        summary = run_job(work, scratch, {"kind": "model", "tasks": [task]})
        work.draft.metadata |= summary
        _show_losses(work)
        shutil.rmtree(scratch)

    upstream = [model_asset(parent) for parent in plan.parents]
    upstream += {
        "mixture": [mixture_asset(str(plan.data)), TOKENIZER_ASSET],
        "conversations": [CLEAN_ASSET],
        "package": [f"inputs/{name}"],
        "none": [],
    }[plan.method.data]
    return Artifact(
        recipe=recipe,
        name=model_asset(name),
        description=f"A checkpoint in Transformers form (safetensors, tokenizer, chat template), made by `{plan.method.name}`"
        + (f" from {', '.join(plan.parents)}." if plan.parents else "."),
        group="models",
        kinds=("pytorch", "huggingface"),
        code_version=f"{plan.method.name}:{plan.method.version}",
        partitioned=False,
        config=lambda partition: plan.config,
        dependencies=dependencies,
        build=build,
        upstream=tuple(upstream),
        pool="training",
        uses_gpu=True,
    )


def run_job(work: Work, scratch: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    """Run a job in a child process that holds a device, and return its summary."""
    (scratch / "summary.json").unlink(missing_ok=True)
    with lease_device(work.home.leases, count_gpus()) as lease:
        path = Job(scratch=str(scratch), out=str(work.draft.folder), device=lease.device, num_threads=num_cores(), **job).save()
        work.launch("assets.orchestration.worker", path, lease.environment, work.observe)
    return json.loads((scratch / "summary.json").read_text())


def _gather_conversations(work: Work, sources: tuple[str, ...], scratch: Path) -> Path:
    """Write the deduplicated conversations of some sources to one file, in order of arrival."""
    keys = [key for key in work.existing(CLEAN_ASSET) if source_of(key) in sources]
    if not keys:
        raise ValueError(f"{work.cell}: no partition of {', '.join(sources)} passed its checks; mend the data first")
    path = scratch / "conversations.parquet"
    write_table(path, pa.concat_tables([work.table(CLEAN_ASSET, "documents", key) for key in keys]))
    return path


def _show_losses(work: Work) -> None:
    """Add the loss curve to the draft, where the method has one."""
    path = work.draft.folder / LOSSES
    if not path.exists():
        return
    import polars as pl

    from kernels.charts.losses import plot_losses

    work.draft.num_rows = pq.read_metadata(path).num_rows
    (work.draft.folder / "losses.png").write_bytes(plot_losses(pl.read_parquet(path)))
    work.draft.unhashed.append("losses.png")
    work.draft.metadata["loss_curve"] = {"png": "losses.png"}
