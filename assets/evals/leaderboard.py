"""The leaderboard: all models of a recipe side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assets.evals.names import LEADERBOARD, TRAINING_RUNS, scores_asset
from assets.evals.scores import SCORES
from assets.evals.training_runs import show_runs
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild
from assets.graph.metadata import markdown
from assets.graph.upstream import named, whole

LEADERBOARD_VERSION = 3


def leaderboard(recipe: str, evals: Mapping[str, Sequence[str]], *, shows_runs: bool = False) -> Artifact:
    """Return the artifact that compares models, each on its own evals, whatever order the recipe has them in.

    ``shows_runs``: whether the recipe has trainings that compare (training_runs.py), whose plots stand here too.
    """
    evals = {model: sorted(evals[model]) for model in sorted(evals)}
    runs = (replace(whole(TRAINING_RUNS), optional=True),) if shows_runs else ()
    return Artifact(
        recipe=recipe,
        name=LEADERBOARD,
        description="All models of the recipe side by side: scores, confidence intervals, chance, as a table and as a plot.",
        group="evals",
        kinds=("polars", "plot"),
        code_version=f"leaderboard:{LEADERBOARD_VERSION}",
        made_from=(*(named(scores_asset(model), asked) for model, asked in evals.items()), *runs),
        build=lambda build: compare(build, evals),
    )


def compare(build: CellBuild, evals: Mapping[str, Sequence[str]]) -> None:
    """Write scores, table and plot."""
    import polars as pl

    from kernels.charts.scores import plot_scores
    from kernels.evals.leaderboard import headlines, leaderboard_markdown, leaderboard_table

    parts = [
        pl.read_parquet(build.folder(scores_asset(model), eval_) / f"{SCORES}.parquet", glob=False, hive_partitioning=False).select(
            pl.lit(model).alias("model"), pl.lit(eval_).alias("eval"), pl.all()
        )
        for model, asked in evals.items()
        for eval_ in asked
    ]
    scores = pl.concat(parts)
    table = leaderboard_table(scores)
    build.draft.metadata["leaderboard"] = markdown(leaderboard_markdown(table))
    build.write_plot("leaderboard_plot", plot_scores(*headlines(scores)))
    show_runs(build)
    build.write("scores", scores.to_arrow())
    build.write("leaderboard", table.to_arrow())
    build.draft.num_rows = table.height
    (build.draft.folder / "leaderboard.md").write_text(leaderboard_markdown(table))
