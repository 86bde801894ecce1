"""The release decision: a candidate is promoted unless it is worse than the released model by more than a stated tolerance."""

import math
from typing import NamedTuple

from pydantic import Field

from kernels.specs.config import Config
from kernels.specs.tasks import Score


class GateConfig(Config):
    """What a candidate must hold against the released model."""

    metric: str = Field(pattern=r"^[^/]+/.+$")
    """``eval/metric`` that decides, such as ``piqa/accuracy``."""
    tolerance: float = Field(ge=0, allow_inf_nan=False)
    """How much worse the candidate may be, in units of the metric; 0 admits none."""


class Decision(NamedTuple):
    """Whether the candidate replaces the released model, and the numbers that say why."""

    promote: bool
    reason: str


def decide(candidate: Score, released: Score | None, config: GateConfig) -> Decision:
    """Return the decision on a candidate's score; ``released`` is None before the first release.

    Raises:
        ValueError: a score is of another metric, or the two disagree on whether higher is better.
    """
    wanted = config.metric.split("/", 1)[1]
    for score in (candidate, released):
        if score is not None and score.metric != wanted:
            raise ValueError(f"{config.metric}: got a score of {score.metric!r}; give the gate the metric it names")
    if not math.isfinite(candidate.value):
        return Decision(False, f"{config.metric}: the candidate's {candidate.value} is not a number to compare")
    if released is None:
        return Decision(True, f"{config.metric} {candidate.value:.4f}, and nothing is released yet")
    if candidate.higher_is_better != released.higher_is_better:
        raise ValueError(f"{config.metric}: candidate and released disagree on whether higher is better; evaluate both again")
    gain = candidate.value - released.value if candidate.higher_is_better else released.value - candidate.value
    promote = gain >= -config.tolerance or math.isclose(gain, -config.tolerance, abs_tol=1e-12)
    verdict = "not worse than" if promote else "worse than"
    numbers = f"candidate {candidate.value:.4f} ({_interval(candidate)}), released {released.value:.4f} ({_interval(released)})"
    return Decision(promote, f"{config.metric}: {numbers}; gain {gain:+.4f} is {verdict} the tolerance {config.tolerance:g} admits")


def _interval(score: Score) -> str:
    return f"{score.low:.4f} to {score.high:.4f}, {score.num_items} items"
