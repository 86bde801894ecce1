"""Evaluations by name."""

LEADERBOARD = "evals/leaderboard"
TRAINING_RUNS = "evals/training_runs"
RELEASE = "release"


def scores_asset(model: str) -> str:
    """Return the asset name of a model's scores: one cell an eval of the recipe."""
    return f"evals/{model}"


def ladder_asset(name: str) -> str:
    """Return the asset name of a ladder of models."""
    return f"evals/ladder_{name}"
