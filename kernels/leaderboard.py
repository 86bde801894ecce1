"""Scores of many models as a table and as plots.

Scores are in long form, one row a model, eval and metric (columns of `SCORES`). An eval's first metric is its headline: the one that ranks
and is plotted. A metric with a slash (``bits_per_byte/wikipedia``) is a breakdown and stays in the long form. PNGs are small enough
(under 50 KB) to be shown beside an asset.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# matplotlib's **kwargs have no types

import math
from typing import TYPE_CHECKING, Any

import polars as pl

from kernels.pictures import png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCORES = {
    "model": pl.String,
    "eval": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "chance": pl.Float64,
    "num_items": pl.Int64,
    "higher_is_better": pl.Boolean,
}
_BLUE, _GREY = "#1f5fa8", "#888888"
_PANELS_PER_ROW = 3


def leaderboard_table(scores: pl.DataFrame) -> pl.DataFrame:
    """Return one row a model, best mean rank over headline metrics first, then a row ``chance``.

    Columns: ``model``, ``mean_rank`` and ``eval/metric`` (text: value, then the 95% interval); an arrow says where lower is better.

    Raises:
        ValueError: columns are missing, or one model has two scores of one metric.
    """
    scores = _checked(scores)
    wide = scores.filter(~pl.col("metric").str.contains("/")).with_columns(
        column=pl.format("{}/{}{}", "eval", "metric", pl.when("higher_is_better").then(pl.lit("")).otherwise(pl.lit(" (lower is better)"))),
        cell=pl.struct("value", "low", "high").map_elements(_cell, return_dtype=pl.String),
    )
    table = wide.pivot("column", index="model", values="cell").join(_mean_ranks(scores), on="model").sort("mean_rank", "model")
    metrics = wide["column"].unique(maintain_order=True).to_list()
    chance = {row["column"]: f"{row['chance']:.3f}" for row in wide.drop_nulls("chance").iter_rows(named=True)}
    last = pl.DataFrame([{"model": "chance", "mean_rank": None, **chance}], schema={**table.schema})
    return pl.concat([table, last]).select("model", "mean_rank", *metrics)


def leaderboard_markdown(table: pl.DataFrame) -> str:
    """Return a table as GitHub Markdown; an absent value is a dash."""
    lines = [table.columns, ["---"] * table.width]
    for row in table.iter_rows():
        lines.append(["-" if cell is None else f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row])
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def plot_leaderboard(scores: pl.DataFrame) -> bytes:
    """Return a PNG: a panel a headline metric, a point and its 95% interval a model, chance dashed; best mean rank on top.

    Raises:
        ValueError: as `leaderboard_table`, or there are no scores.
    """
    from matplotlib.figure import Figure

    scores = _checked(scores)
    if scores.is_empty():
        raise ValueError("no scores to plot; run an eval that scores first")
    models = _mean_ranks(scores).sort("mean_rank", "model")["model"].to_list()
    panels = _headlines(scores).partition_by("eval", maintain_order=True)
    num_columns = min(len(panels), _PANELS_PER_ROW)
    num_rows = math.ceil(len(panels) / num_columns)
    label_inches = 0.2 + 0.075 * max(map(len, models))
    figure = Figure(figsize=(label_inches + 2.9 * num_columns, num_rows * (1.0 + 0.3 * len(models))), layout="constrained")
    grid = figure.subplots(num_rows, num_columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, panel, models)
    figure.supxlabel("bars: 95% interval; dashed: chance", fontsize=8, color=_GREY)
    return png(figure)


def plot_losses(losses: pl.DataFrame) -> bytes:
    """Return a PNG of loss against step; ``losses`` has step, loss and optionally validation_loss (null between validations).

    Raises:
        ValueError: there is no step.
    """
    from matplotlib.figure import Figure

    if losses.is_empty():
        raise ValueError("no losses to plot; the run reported no step")
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    curves = {"loss": ("training", _GREY, ""), "validation_loss": ("validation", _BLUE, "o")}
    for column in [name for name in curves if name in losses.columns]:
        label, colour, marker = curves[column]
        points = losses.select("step", column).drop_nulls().sort("step")
        axes.plot(points["step"], points[column], color=colour, marker=marker, markersize=3, linewidth=1.2, label=label)
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per token)")
    axes.spines[["top", "right"]].set_visible(False)
    if "validation_loss" in losses.columns:
        axes.legend(frameon=False)
    return png(figure)


def _checked(scores: pl.DataFrame) -> pl.DataFrame:
    if missing := set(SCORES) - set(scores.columns):
        raise ValueError(f"scores lack the columns {sorted(missing)}; give one row a model, eval and metric")
    if scores.select("model", "eval", "metric").is_duplicated().any():
        raise ValueError("two scores of one model, eval and metric; keep the newer")
    return scores.select(pl.col(name).cast(dtype) for name, dtype in SCORES.items())


def _headlines(scores: pl.DataFrame) -> pl.DataFrame:
    first = scores.group_by("eval", maintain_order=True).agg(pl.col("metric").first())
    return scores.join(first, on=["eval", "metric"], maintain_order="left")


def _mean_ranks(scores: pl.DataFrame) -> pl.DataFrame:
    """Return model and mean_rank (1 is best); a model without a headline score ranks last there."""
    headlines = _headlines(scores)
    signed = headlines.with_columns(key=pl.when("higher_is_better").then(-pl.col("value")).otherwise(pl.col("value")))
    grid = scores.select(pl.col("model").unique()).join(headlines.select(pl.col("eval").unique()), how="cross")
    full = grid.join(signed.select("model", "eval", "key"), on=["model", "eval"], how="left")
    ranks = full.with_columns(rank=pl.col("key").fill_null(math.inf).rank("average").over("eval"))
    return ranks.group_by("model").agg(mean_rank=pl.col("rank").mean())


def _cell(score: dict[str, Any]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


def _draw_panel(axes: "Axes", panel: pl.DataFrame, models: list[str]) -> None:
    rows = [len(models) - 1 - models.index(model) for model in panel["model"]]
    axes.hlines(rows, panel["low"], panel["high"], color=_BLUE, linewidth=1.5)
    axes.plot(panel["value"], rows, "o", color=_BLUE, markersize=5)
    for value, row in zip(panel["value"], rows, strict=True):
        axes.annotate(f"{value:.3f}", (value, row), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=8)
    chance = panel["chance"].drop_nulls()
    if not chance.is_empty():
        axes.axvline(float(chance[0]), color=_GREY, linestyle="--", linewidth=1)
    direction = "" if panel["higher_is_better"][0] else ", lower is better"
    axes.set_title(panel["eval"][0], fontsize=10, loc="left")
    axes.set_xlabel(panel["metric"][0].replace("_", " ") + direction, fontsize=8)
    axes.set_yticks(range(len(models)), models[::-1], fontsize=9)
    axes.margins(x=0.1)
    axes.set_ylim(-0.5, len(models) - 0.3)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
