"""Trainings side by side: models that learned the same from the same data, what each came to, and how it got there with the tokens it read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic import Field

from assets.evals.names import TRAINING_RUNS
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild
from assets.graph.metadata import rows_markdown
from assets.graph.upstream import whole
from assets.models.checkpoints import ModelPlan
from assets.models.names import model_asset
from kernels.specs.config import Config
from kernels.training.logs.losses import LOSSES

TRAINING_RUNS_VERSION = 1
REACHED = ("loss", "validation_loss", "validation_bits_per_byte")
"""What the last step that measured it gives."""
MEASURED_ON = ("max_validation_sequences", "validation_fraction", "max_length", "beta")
"""Keys of a training's config, where it has them, that decide what its losses are of."""
TOLD = ("tokens_per_second", "mfu")
"""What is shown of a training beside its losses: clocks told it, so that it stands in no table."""
_COMMON = [("group", pa.string()), ("model", pa.string())]
RUNS = pa.schema([*_COMMON, ("num_steps", pa.int64()), ("num_tokens", pa.int64()), *((name, pa.float64()) for name in REACHED)])
CURVES = pa.schema([*_COMMON, ("step", pa.float64()), ("num_tokens", pa.int64()), *((name, pa.float64()) for name in REACHED)])
"""Columns of the tables; tokens of a curve are those read up to its step."""


class Comparable(NamedTuple):
    """What two trainings have in common whose losses compare."""

    data: str
    """A mixture or sources."""
    learns: str
    """An objective, else the method."""
    measured_on: tuple[float | None, ...]
    """What decides which rows are learned from and which validation looks at, beside the data, and in which unit preferences are told."""
    tokenizer: int | None
    """By whose tokens losses are counted, where the data do not say so."""
    objective: str = ""
    """The objective with all its numbers: how much is hidden decides how hard it is to predict, on the rows of validation too."""


class RunsConfig(Config):
    """Which models are compared."""

    groups: dict[str, list[str]] = Field(min_length=1)
    """Models that compare, by what they have in common."""


def is_trained(plan: ModelPlan) -> bool:
    """Return whether a model is made by gradient steps."""
    return "num_steps" in type(plan.config).model_fields


def comparable_of(plan: ModelPlan, tokenizer: int | None) -> Comparable:
    """Return what a trained model has in common with those that it compares with. ``tokenizer`` tells tokenizers apart."""
    said, config = plan.said.data, plan.config
    data = said if isinstance(said, str) else "_".join(sorted(said or ()))
    objective = getattr(config, "objective", None)
    learns = plan.method.name if objective is None else str(objective.kind)
    measured_on = tuple(getattr(config, name, None) for name in MEASURED_ON)
    return Comparable(data, learns, measured_on, tokenizer, "" if objective is None else objective.model_dump_json())


def groups_of(models: Mapping[str, Comparable]) -> dict[str, list[str]]:
    """Return models that compare with at least one other, by the name of what they have in common."""
    together: dict[Comparable, list[str]] = {}
    for model, common in models.items():
        together.setdefault(common, []).append(model)
    groups: dict[str, list[str]] = {}
    for common, names in sorted(together.items(), key=lambda each: each[1]):
        if len(names) > 1:
            groups[_name_of(common, groups)] = sorted(names)
    return groups


def _name_of(common: Comparable, taken: Collection[str]) -> str:
    """Return a name for what trainings have in common that no other group has."""
    words = f"{common.data.rstrip('/').rpartition('/')[2]}_{common.learns}"
    name = "".join(letter if letter.isalnum() else "_" for letter in words)
    return next(found for found in (name, *(f"{name}_{number}" for number in range(2, len(taken) + 3))) if found not in taken)


def training_runs(recipe: str, groups: Mapping[str, Sequence[str]]) -> Artifact:
    """Return the artifact that puts trainings side by side."""
    config = RunsConfig(groups={name: list(models) for name, models in groups.items()})
    models = sorted({model for names in groups.values() for model in names})
    return Artifact(
        recipe=recipe,
        name=TRAINING_RUNS,
        description="Models that learned the same from the same data: what each training came to, and validation against the tokens that it read.",
        group="evals",
        kinds=("polars", "plot"),
        code_version=f"training_runs:{TRAINING_RUNS_VERSION}",
        config=lambda partition: config,
        made_from=tuple(replace(whole(model_asset(model)), optional=True) for model in models),
        build=lambda build: compare_runs(build, config),
    )


def compare_runs(build: CellBuild, config: RunsConfig) -> None:
    """Write a row a training (``runs``), a row each of its steps (``curves``), and a plot a group of which at least two models stand."""
    from kernels.charts.losses import plot_runs

    rows: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    curves = [CURVES.empty_table()]
    for group, models in config.groups.items():
        found = {model: losses for model in models if (losses := _losses(build, model)) is not None}
        for model, losses in found.items():
            row = {"group": group, "model": model, **_came_to(losses)}
            told = build.manifest(model_asset(model)).metadata
            rows.append(row)
            curves.append(_curve(losses, group, model))
            shown.append({**row, **{name: told.get(name) for name in TOLD}})
        if len(found) > 1:
            build.write_plot(f"runs_{group}", plot_runs(found))
    build.write("runs", pa.Table.from_pylist(rows, RUNS))
    build.write("curves", pa.concat_tables(curves))
    build.draft.num_rows = len(rows)
    build.draft.metadata["runs"] = rows_markdown([{name: "-" if value is None else value for name, value in row.items()} for row in shown])


def _losses(build: CellBuild, model: str) -> Any:
    """Return the losses of a model, None where it is not there, a check stops it, or its method wrote none."""
    import polars as pl

    if build.state.usable(model_asset(model), None) is None:
        return None
    path = build.folder(model_asset(model)) / LOSSES
    return pl.read_parquet(path, glob=False, hive_partitioning=False) if path.exists() else None


def _curve(losses: Any, group: str, model: str) -> pa.Table:
    """Return the columns of `CURVES` of a run, null where it does not tell."""
    read = losses.sort("step")
    told: dict[str, Any] = {name: read[name].to_arrow() for name in ("step", *REACHED) if name in read.columns}
    if "num_tokens" in read.columns:
        told["num_tokens"] = read["num_tokens"].cum_sum().to_arrow()
    told |= {"group": pa.repeat(pa.scalar(group), read.height), "model": pa.repeat(pa.scalar(model), read.height)}
    return pa.Table.from_arrays([told.get(field.name, pa.nulls(read.height)).cast(field.type) for field in CURVES], schema=CURVES)


def _came_to(losses: Any) -> dict[str, Any]:
    """Return what a training came to, None for what it did not measure."""
    ordered = losses.sort("step")
    last = {name: measured[-1] if name in ordered.columns and len(measured := ordered[name].drop_nulls()) else None for name in REACHED}
    num_tokens = int(ordered["num_tokens"].sum()) if "num_tokens" in ordered.columns else None
    return {"num_steps": ordered.height, "num_tokens": num_tokens, **last}


def show_runs(build: CellBuild) -> None:
    """Show the plots of the trainings with another cell that is made from them."""
    if build.state.usable(TRAINING_RUNS, None) is None:
        return
    for name, told in build.manifest(TRAINING_RUNS).metadata.items():
        if isinstance(told, dict) and "png" in told:
            build.write_plot(name, (build.folder(TRAINING_RUNS) / told["png"]).read_bytes())
