"""What evals read, kind by kind: what a recipe may say of it, which cell or file it is, and where.

The one place that knows kinds of tasks' needs (kernels/specs/needs.py); a new kind is a class here.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from pydantic import SerializeAsAny

from assets.graph.build import CellBuild
from assets.graph.upstream import Upstream, whole
from assets.tokens.mixture import HELDOUT_FILE
from assets.tokens.names import mixture_asset
from kernels.specs.config import Config
from kernels.specs.names import nearest
from kernels.specs.needs import DataFile, HeldOut
from kernels.specs.tasks import Task
from resources.storage.sources import Location

Fault = tuple[tuple[str, ...], str]
"""Keys below the entry, and what is wrong there."""


class EvalPlan(NamedTuple):
    """One task as the recipe chose it."""

    name: str
    task: Task
    config: Config
    data: str | None
    """What the recipe says of its data: a mixture's name, or a path."""
    location: Location | None
    """Where its data file is, for tasks that read one."""


class TaskConfig(Config):
    """What is asked of a model."""

    task: str
    config: SerializeAsAny[Config]
    """The task's own config."""


class TaskNeedKind(Protocol):
    """One kind of need."""

    is_file: bool
    """Whether the recipe's ``data`` is a path."""

    def faults(self, task: str, data: str | None, mixtures: Collection[str]) -> Iterator[Fault]:
        """Yield what is wrong with what the recipe says of it."""
        ...

    def upstream(self, plan: EvalPlan) -> tuple[Upstream, ...]:
        """Return the cell or file that is read."""
        ...

    def path(self, plan: EvalPlan, build: CellBuild) -> Path | None:
        """Return where it is."""
        ...


class _HeldOutKind:
    is_file = False

    def faults(self, task: str, data: str | None, mixtures: Collection[str]) -> Iterator[Fault]:
        if data is None:
            yield ("data",), f"the task {task!r} needs the key 'data': a mixture ({', '.join(mixtures) or 'add one'})"
        elif data not in mixtures:
            yield ("data",), f"no mixture is named {data!r}; {nearest(data, mixtures)}"

    def upstream(self, plan: EvalPlan) -> tuple[Upstream, ...]:
        return (whole(mixture_asset(str(plan.data))),)

    def path(self, plan: EvalPlan, build: CellBuild) -> Path | None:
        return build.folder(mixture_asset(str(plan.data))) / HELDOUT_FILE


class _DataFileKind:
    is_file = True

    def faults(self, task: str, data: str | None, mixtures: Collection[str]) -> Iterator[Fault]:
        if data is None:
            yield (), f"the task {task!r} needs the key 'data': the path of its data file"

    def upstream(self, plan: EvalPlan) -> tuple[Upstream, ...]:
        return (whole(f"inputs/{plan.name}"),)

    def path(self, plan: EvalPlan, build: CellBuild) -> Path | None:
        return build.verified_input(plan.name, plan.location) if plan.location is not None else None


class _NothingKind:
    is_file = False

    def faults(self, task: str, data: str | None, mixtures: Collection[str]) -> Iterator[Fault]:
        if data is not None:
            yield ("data",), f"the task {task!r} reads no data; leave the key out"

    def upstream(self, plan: EvalPlan) -> tuple[Upstream, ...]:
        return ()

    def path(self, plan: EvalPlan, build: CellBuild) -> Path | None:
        return None


KINDS: dict[type, TaskNeedKind] = {HeldOut: _HeldOutKind(), DataFile: _DataFileKind(), type(None): _NothingKind()}


def kind_of(task: Task) -> TaskNeedKind:
    """Return what knows a task's need."""
    return KINDS[type(task.need)]
