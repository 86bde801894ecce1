"""Ladders: models of several sizes and lengths of training, the scaling law through their losses, and what it foretold of those held out."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import Field

from assets.evals.names import ladder_asset
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild, Judging
from assets.graph.checks import CheckFinding, CheckSuite, single_check
from assets.graph.metadata import markdown, rows_markdown
from assets.graph.upstream import whole
from assets.models.names import model_asset
from kernels.specs.config import Config
from resources.storage.manifest import Cell

LADDER_VERSION = 2
LOSS = "validation_loss"
NEEDED = ("num_matmul_parameters", "num_train_tokens", "flops_per_token", LOSS)
CHECK = "the_law_foretold_the_held_out_sizes"


class LadderEntry(Config):
    """Models that a scaling law is fitted to, and those that it is checked against."""

    models: list[str] = Field(min_length=4)
    """Pretrained models of this recipe on one mixture, of several sizes or lengths of training, each to the end of its own schedule."""
    held_out: list[str] = Field(default=[])
    """Those of them that the law is not fitted to: it foretells their losses, and what they reached stands beside."""
    seed: int = 1
    """Of the intervals."""


class LadderRow(NamedTuple):
    """One model of a ladder: its parameters that a token is multiplied by, and its loss in nats a token on the validation split."""

    model: str
    num_parameters: float
    num_tokens: float
    flops: float
    loss: float
    held_out: bool


def ladder(recipe: str, name: str, entry: LadderEntry) -> Artifact:
    """Return the artifact of one ladder."""
    return Artifact(
        recipe=recipe,
        name=ladder_asset(name),
        description="The scaling law through the losses of models of several sizes, with intervals, and what it foretold of those held out.",
        group="evals",
        kinds=("polars", "plot"),
        code_version=f"ladder:{LADDER_VERSION}",
        config=lambda partition: entry,
        made_from=tuple(whole(model_asset(model)) for model in sorted(entry.models)),
        build=lambda build: climb(build, entry),
    )


def climb(build: CellBuild, entry: LadderEntry) -> None:
    """Fit the law, foretell what is held out, and write table, law and plot."""
    import polars as pl

    from kernels.charts.scaling import Promise, plot_scaling
    from kernels.training.laws.scaling_forms import FORMS, Run
    from kernels.training.laws.scaling_law import fit_scaling_law, predict

    rows = [_row(build, model, entry) for model in sorted(entry.models)]
    fit = fit_scaling_law([Run(row.num_parameters, row.num_tokens, row.loss) for row in rows if not row.held_out], seed=entry.seed)
    table: list[dict[str, Any]] = []
    promises: list[Promise] = []
    for row in sorted(rows, key=lambda row: row.flops):
        told = predict(fit, row.num_parameters, row.num_tokens) if row.held_out else None
        values = (
            {"foretold": told.loss, "low": told.interval.low, "high": told.interval.high} if told else {"foretold": None, "low": None, "high": None}
        )
        table.append({**row._asdict(), "fitted": fit.law.loss(row.num_parameters, row.num_tokens), **values})
        if told:
            promises.append(Promise(row.flops, told.loss, told.interval.low, told.interval.high, row.loss))
    schema = {"foretold": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    frame = pl.DataFrame(table, schema_overrides=schema)
    formula = FORMS[fit.form].formula
    is_path = frame["num_parameters"].n_unique() == frame.height  # one training a size
    size = pl.lit(None, pl.Float64) if is_path else pl.col("num_parameters")
    curve = frame.select(size.alias("num_parameters"), "flops", pl.col("fitted").alias("loss"))
    runs = frame.filter(~pl.col("held_out")).select("num_parameters", "flops", "loss")
    build.write_plot("law", plot_scaling(runs, curve, promises, x="flops", loss_label="validation loss (nats per token)", formula=formula))
    build.write("runs", frame.to_arrow())
    constants = [
        {"constant": name, "value": getattr(fit.law, name), "low": interval.low, "high": interval.high} for name, interval in fit.intervals.items()
    ]
    law = {"form": fit.form, "formula": formula, "why": fit.why, "explained": fit.explained, "constants": constants}
    (build.draft.folder / "law.json").write_text(json.dumps(law, indent=1))
    build.draft.num_rows = frame.height
    words = f"{formula}: {fit.why}. It explains {fit.explained:.1%} of the variance of log loss over {len(fit.runs)} runs."
    build.draft.metadata |= {"law": markdown(words), "constants": rows_markdown(constants), "ladder": rows_markdown(table)}


def _row(build: CellBuild, model: str, entry: LadderEntry) -> LadderRow:
    """Return what is known of a model. Raises ValueError: it has no validation loss, or was not trained by gradient steps."""
    told = build.manifest(model_asset(model)).metadata
    if lacking := [name for name in NEEDED if name not in told]:
        raise ValueError(
            f"{model}: has no {lacking[0]}, so that no law can be fitted to it; give pretrained models a mixture with a validation split"
        )
    size, tokens, flops, loss = (float(told[name]) for name in NEEDED)
    return LadderRow(model, size, tokens, flops * tokens, loss, model in entry.held_out)


def ladder_suites(name: str, entry: LadderEntry) -> Sequence[CheckSuite]:
    """Return the check on a ladder that holds models out."""
    if not entry.held_out:
        return ()

    def judge(judging: Judging, cell: Cell) -> CheckFinding:
        import polars as pl

        rows = pl.read_parquet(judging.folder(cell) / "runs.parquet", glob=False, hive_partitioning=False).filter(pl.col("held_out"))
        missed = rows.filter((pl.col("loss") < pl.col("low")) | (pl.col("loss") > pl.col("high")))
        told = "; ".join(
            f"{row['model']}: {row['foretold']:.3f} ({row['low']:.3f} to {row['high']:.3f}), reached {row['loss']:.3f}" for row in rows.to_dicts()
        )
        return CheckFinding(missed.is_empty(), f"{rows.height - missed.height} of {rows.height} within the interval that was foretold: {told}")

    description = "The losses of the models that the law was not fitted to lie within the intervals that it foretold."
    return (single_check(CHECK, description, ladder_asset(name), blocking=False, version=LADDER_VERSION, judge=judge),)
