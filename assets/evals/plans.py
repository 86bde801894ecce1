"""One eval as the recipe chose it: what it asks, and where its data are."""

from pathlib import Path
from typing import NamedTuple

from pydantic import SerializeAsAny

from assets.graph.build import CellBuild
from assets.graph.upstream import Upstream, whole
from assets.tokens.mixture import HELDOUT_FILE
from assets.tokens.names import mixture_asset
from kernels.specs.config import Config
from kernels.specs.needs import DataFile, HeldOut
from kernels.specs.tasks import Task
from resources.storage.sources import Location


class EvalPlan(NamedTuple):
    """One task as the recipe chose it."""

    task: Task
    config: Config
    mixture: str | None
    """Whose held-out documents it reads, for tasks that do."""
    location: Location | None
    """Its data file, for the others."""


class TaskConfig(Config):
    """What is asked of a model."""

    task: str
    config: SerializeAsAny[Config]
    """The task's own config."""


def data_upstream(name: str, plan: EvalPlan) -> tuple[Upstream, ...]:
    """Return the cell or file that an eval reads."""
    match plan.task.need:
        case HeldOut():
            return (whole(mixture_asset(str(plan.mixture))),)
        case DataFile():
            return (whole(f"inputs/{name}"),)
        case None:
            return ()


def data_path(plan: EvalPlan, build: CellBuild) -> Path | None:
    """Return what an eval reads, None where its config is enough."""
    match plan.task.need:
        case HeldOut():
            return build.folder(mixture_asset(str(plan.mixture))) / HELDOUT_FILE
        case DataFile():
            return Path(plan.location.root) if plan.location is not None else None
        case None:
            return None
