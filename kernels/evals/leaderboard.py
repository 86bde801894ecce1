"""Scores of many models as a table.

Scores are in long form, one row a model, eval and metric (columns of `SCORES`). An eval's first metric is its headline: the one that ranks
and is plotted. A metric with a slash (``bits_per_byte/wikipedia``) is a breakdown and stays in the long form. A model that an eval does not apply
to has no score of it: that is neither a score of 0 nor a last place. Nor is it a first place to be the only one that an eval was asked.
"""

from typing import Any

import polars as pl

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
    table = wide.pivot("column", index="model", values="cell").join(_mean_ranks(scores), on="model").sort("mean_rank", "model", nulls_last=True)
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


def headlines(scores: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Return the scores that rank, one row a model and eval, and the models by mean rank, best first.

    Raises:
        ValueError: as `leaderboard_table`.
    """
    scores = _checked(scores)
    return _headlines(scores), _mean_ranks(scores).sort("mean_rank", "model", nulls_last=True)["model"].to_list()


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
    """Return model and mean_rank (1 is best): of each over the evals of which it and another have a headline score, among those that have one.

    A model of which no other has the same eval has none.
    """
    signed = _headlines(scores).with_columns(key=pl.when("higher_is_better").then(-pl.col("value")).otherwise(pl.col("value")))
    ranks = signed.with_columns(rank=pl.when(pl.len().over("eval") > 1).then(pl.col("key").rank("average").over("eval")))
    return ranks.group_by("model").agg(mean_rank=pl.col("rank").mean())


def _cell(score: dict[str, Any]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"
