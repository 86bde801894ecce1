"""The answer by likelihood."""

import math
from collections.abc import Sequence


def require_finite(key: str, log_likelihoods: Sequence[float]) -> None:
    """Raise ValueError: a likelihood of an item is not finite."""
    if not all(map(math.isfinite, log_likelihoods)):
        raise ValueError(f"{key}: a likelihood is not finite; look for a model that gives NaN")


def likeliest(key: str, log_likelihoods: Sequence[float]) -> int:
    """Return which option of an item is the likeliest, the first of equals.

    Raises:
        ValueError: a likelihood is not finite: the first option would stand for an answer that the model has not given.
    """
    require_finite(key, log_likelihoods)
    return log_likelihoods.index(max(log_likelihoods))
