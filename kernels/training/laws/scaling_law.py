"""Scaling laws: the loss that models of other sizes and lengths of training will have, from runs that were made.

L(N, D) = E + A / N^alpha + B / D^beta by Huber's loss on log L, L-BFGS from a grid of starts (Hoffmann et al. 2022, arXiv 2203.15556, approach 3).
Besiroglu et al. 2024 (arXiv 2404.10102) found why the published fit cannot be had again: the objective was a mean, so that the optimizer
stopped early, and constants were rounded; here it is a sum, run to a tight tolerance. Few or one-sided runs get a form with fewer constants
(scaling_forms.py). Give the loss at the end of each run's own schedule: that of a run stopped midway is no point of the law.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from kernels.evals.statistics.intervals import Interval
from kernels.training.laws.scaling_forms import FORMS, Choice, Form, Run, candidates, check_runs

HUBER_DELTA = 1e-3
"""Of log loss (Hoffmann et al. 2022, appendix D)."""
NUM_STARTS = 24
"""Of the grid, those that begin nearest to the runs."""
MAX_EXPONENT, MIN_EXPONENT = 3.0, 0.01
MIN_EXPLAINED = 0.5
"""Least share of the variance of log loss that a law must explain."""
PATH_TOLERANCE = 0.05
"""Relative distance at which a size or budget still counts as on the path of a law of one variable."""
LEVEL = 0.95

Floats = NDArray[np.float64]


class Law(NamedTuple):
    """E + A / N^alpha + B / D^beta, in nats a token or whatever the losses were in; a term that the form has not is 0."""

    floor: float
    size_factor: float
    size_exponent: float
    token_factor: float
    token_exponent: float

    def loss(self, num_parameters: float, num_tokens: float) -> float:
        """Return the loss of a size and a number of tokens."""
        return self.floor + self.size_factor * num_parameters**-self.size_exponent + self.token_factor * num_tokens**-self.token_exponent


class ScalingFit(NamedTuple):
    """A law, and how sure it is."""

    form: Form
    why: str
    """Why this form and no other, in a sentence."""
    law: Law
    intervals: dict[str, Interval]
    """95%, by constant of the law that the form has."""
    explained: float
    """Share of the variance of log loss."""
    draws: tuple[Law, ...]
    """Laws of the runs drawn with replacement."""
    residuals: tuple[float, ...]
    """Of log loss, one a run, widened for the constants that were fitted."""
    runs: tuple[Run, ...]
    seed: int


class Prediction(NamedTuple):
    """The loss to expect of a run, and where it will lie in 95 of 100 cases: what the law leaves open, and the noise of a run."""

    loss: float
    interval: Interval


def fit_scaling_law(runs: Sequence[Run], *, seed: int, num_bootstrap: int = 200) -> ScalingFit:
    """Return the law of the fullest form that the runs can tell.

    Intervals are percentiles over runs drawn with replacement (Efron and Tibshirani 1993, chapter 13). Same runs and seed, same result.

    Raises:
        ValueError: a number is not above zero and finite, the runs are too few or too much alike for any form, or the loss does not follow from
            size and tokens (names what is missing).
    """
    check_runs(runs)
    faults: list[str] = []
    for choice in candidates(runs):
        constants = _fit(choice, runs, None)
        fault = _fault(choice, constants, runs)
        if fault is None:
            return _with_intervals(choice, constants, runs, faults, seed, num_bootstrap)
        faults.append(fault)
    raise ValueError(f"no law fits {len(runs)} runs: {'; '.join(faults)}; train more sizes or longer, each to the end of its own schedule")


def predict(fit: ScalingFit, num_parameters: float, num_tokens: float) -> Prediction:
    """Return the loss of a size and budget that was not trained, with its interval.

    A law without a floor falls for ever, and what it tells past the runs is the least that the loss may be: there the interval reaches up to the
    law's own lowest loss among the runs, as if nothing more were learned.

    Raises:
        ValueError: the form knows one variable only, and the point is off the path on which the runs lie (says where that is).
    """
    FORMS[fit.form].require_on_path(fit.runs, num_parameters, num_tokens, PATH_TOLERANCE)
    random = np.random.default_rng(fit.seed)
    noise = np.exp(random.choice(np.array(fit.residuals), len(fit.draws)))
    losses = np.array([law.loss(num_parameters, num_tokens) for law in fit.draws]) * noise
    low, high = np.quantile(losses, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if not FORMS[fit.form].floor:
        lowest = min(fit.law.loss(run.num_parameters, run.num_tokens) for run in fit.runs)
        high = max(high, lowest) if fit.law.loss(num_parameters, num_tokens) < lowest else high
    return Prediction(fit.law.loss(num_parameters, num_tokens), Interval(float(low), float(high)))


def _with_intervals(choice: Choice, constants: Floats, runs: Sequence[Run], faults: list[str], seed: int, num_bootstrap: int) -> ScalingFit:
    random = np.random.default_rng(seed)
    drawn: list[Floats] = []
    while len(drawn) < num_bootstrap:
        sample: list[Run] = [runs[int(index)] for index in random.integers(0, len(runs), len(runs))]
        if FORMS[choice.form].lack(sample, as_drawn=True) is None:
            drawn.append(_fit(choice, sample, constants))
    laws = [_law(choice, each) for each in drawn]
    law = _law(choice, constants)
    residuals = _residuals(choice, constants, runs) * np.sqrt(len(runs) / (len(runs) - len(constants)))
    bounds = np.quantile(np.array(laws), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    intervals = {
        name: Interval(float(bounds[0, index]), float(bounds[1, index])) for index, name in enumerate(Law._fields) if FORMS[choice.form].has(name)
    }
    why = "; ".join([choice.why, *faults])
    return ScalingFit(
        choice.form, why, law, intervals, _explained(choice, constants, runs), tuple(laws), tuple(residuals.tolist()), tuple(runs), seed
    )


def _fault(choice: Choice, constants: Floats, runs: Sequence[Run]) -> str | None:
    """Return why a fit of this form says nothing, None where it does."""
    exponents = FORMS[choice.form].exponents(constants)
    if any(value <= MIN_EXPONENT * 1.01 or value >= MAX_EXPONENT * 0.99 for value in exponents):
        return f"{FORMS[choice.form].formula}: an exponent runs out of bounds, so that the runs cannot tell its constants"
    explained = _explained(choice, constants, runs)
    if explained < MIN_EXPLAINED:
        return f"{FORMS[choice.form].formula}: explains {max(0.0, explained):.0%} of the variance of the loss only"
    return None


def _explained(choice: Choice, constants: Floats, runs: Sequence[Run]) -> float:
    logs = np.log([run.loss for run in runs])
    spread = float(((logs - logs.mean()) ** 2).sum())
    return 1 - float((_residuals(choice, constants, runs) ** 2).sum()) / spread if spread > 0 else 0.0


def _residuals(choice: Choice, constants: Floats, runs: Sequence[Run]) -> Floats:
    logs, _ = _log_losses(choice, constants, *_axes(choice, runs))
    return np.log([run.loss for run in runs]) - logs


def _axes(choice: Choice, runs: Sequence[Run]) -> tuple[Floats, Floats]:
    """Return log size and log tokens of each run, counted from the centre of all runs, so that constants hang on one another less."""
    sizes, tokens = np.log([run.num_parameters for run in runs]), np.log([run.num_tokens for run in runs])
    return sizes - choice.centre[0], tokens - choice.centre[1]


def _log_losses(choice: Choice, constants: Floats, sizes: Floats, tokens: Floats) -> tuple[Floats, Floats]:
    """Return log loss [R] and its gradient [R, constants]; terms are in logs: the floor, then sizes', then tokens'."""
    terms, slopes = FORMS[choice.form].terms(constants, sizes, tokens)
    top = terms.max(axis=0)
    weights = np.exp(terms - top)
    total = weights.sum(axis=0)
    return top + np.log(total), np.einsum("kr,krc->rc", weights / total, slopes)


def _fit(choice: Choice, runs: Sequence[Run], start: Floats | None) -> Floats:
    """Return the constants of least loss: from the best of a grid of starts, or from a start and the best few of the grid where one is given."""
    from scipy.optimize import minimize  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    form = FORMS[choice.form]
    sizes, tokens = _axes(choice, runs)
    logs = np.log([run.loss for run in runs])

    def objective(constants: Floats) -> tuple[float, Floats]:
        fitted, slopes = _log_losses(choice, constants, sizes, tokens)
        errors = fitted - logs
        inside = np.abs(errors) <= HUBER_DELTA
        losses = np.where(inside, errors**2 / 2, HUBER_DELTA * (np.abs(errors) - HUBER_DELTA / 2))
        pulls = np.clip(errors, -HUBER_DELTA, HUBER_DELTA)
        return float(losses.sum()) / HUBER_DELTA, (pulls @ slopes) / HUBER_DELTA

    grid = form.starts(float(logs.min()))
    grid.sort(key=lambda constants: objective(constants)[0])
    starts = [start, *grid[:2]] if start is not None else grid[:NUM_STARTS]
    bounds = form.bounds(MIN_EXPONENT, MAX_EXPONENT)
    options = {"maxiter": 2000, "ftol": 1e-12, "gtol": 1e-9}
    found: list[Any] = [cast(Any, minimize)(objective, each, jac=True, method="L-BFGS-B", bounds=bounds, options=options) for each in starts]
    return np.asarray(min(found, key=lambda each: float(each.fun)).x, dtype=np.float64)


def _law(choice: Choice, constants: Floats) -> Law:
    return Law(*FORMS[choice.form].constants(constants, choice.centre))
