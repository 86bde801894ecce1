"""Steps whose loss or gradient stands far above those before it: left out, and training ended where leaving out does not help.

A batch that a model cannot bear spoils it for long (Chowdhery et al. 2022, arXiv 2204.02311, section 5.1, left such batches out). What is expected is
the mean of the last steps that were taken, so that a spike does not widen what counts as usual. Where several processes train one model, all are to
be told the loss and the norm of the whole batch, and then all judge alike.
"""

import math
import statistics
from collections import deque
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key

_NORM = "gradient norm"
MIN_RELATIVE_DEVIATION = 1e-3
"""Of the mean: so little is never out of the usual, though all steps before were alike."""


class GuardConfig(Config):
    """What counts as out of the usual."""

    sigmas: float = Field(default=6.0, gt=0)
    """Standard deviations above the mean."""
    window: int = Field(default=128, gt=1)
    """Steps, of those taken, that mean and deviation are of."""
    min_observations: int = Field(default=64, gt=1)
    """Steps before which none is left out, unless a number is not finite."""
    max_skips: int = Field(default=10, gt=0)
    """Steps left out one behind the other, with which training has diverged; where all losses were usual, such gradients are so from then on."""
    divergence_factor: float = Field(default=1.5, gt=1)
    """How many times the best mean a loss stands that counts as lost ground."""
    divergence_steps: int = Field(default=128, gt=0)
    """Steps on lost ground one behind the other, with which training has diverged."""

    on_divergence: Literal["stop", "roll_back"] = "stop"
    """Whether a training that diverged ends, or goes back to its newest state and on from there more slowly."""
    roll_back_rate_ratio: float = Field(default=0.5, gt=0, lt=1)
    """What the learning rate is multiplied by from there on."""
    max_roll_backs: int = Field(default=2, gt=0)
    """Times that a training goes back; then it ends."""

    @model_validator(mode="after")
    def _warms_up_within_its_window(self) -> Self:
        if self.min_observations > self.window:
            raise fault_of_key("min_observations", f"{self.min_observations} is more than window, {self.window}, and never reached; lower it")
        return self


class Running:
    """Mean and deviation of the last values."""

    def __init__(self, config: GuardConfig, values: Sequence[float] = ()) -> None:
        """Start with values, the oldest first."""
        self._config = config
        self.values = deque(values, maxlen=config.window)

    @property
    def is_warm(self) -> bool:
        """Whether there are values enough to judge by."""
        return len(self.values) >= self._config.min_observations

    def mean(self) -> float:
        """Return the mean; there is a value at least."""
        return statistics.fmean(self.values)

    def deviation(self) -> float:
        """Return the standard deviation, which is never nothing at all."""
        mean = self.mean()
        return max(math.sqrt(statistics.fmean((value - mean) ** 2 for value in self.values)), MIN_RELATIVE_DEVIATION * abs(mean))

    def is_outlier(self, value: float) -> bool:
        """Return whether a value is not finite, or stands far above the others once these are enough; one far below is welcome."""
        if not math.isfinite(value):
            return True
        return self.is_warm and value > self.mean() + self._config.sigmas * self.deviation()

    def take(self, value: float) -> None:
        """Count a value as usual."""
        self.values.append(value)


class Skip(NamedTuple):
    """A step that was left out."""

    step: int
    what: str
    """What was out of the usual."""
    value: float
    expected: float | None
    """The mean of the steps before; None where there was none."""


class Verdict(NamedTuple):
    """What is to be done with a step."""

    kind: Literal["take", "skip", "diverged"]
    words: str
    """Why, for a reader; empty where a step is taken as most are."""


class Guard:
    """Judges the steps of a training, one after the other."""

    def __init__(self, config: GuardConfig) -> None:
        """Start with nothing seen."""
        self._config = config
        self._running = {"loss": Running(config), _NORM: Running(config)}
        self._num_skipped = 0
        self._num_above = 0
        self._best: float | None = None
        self.skips: list[Skip] = []
        """All steps left out."""

    def judge(self, step: int, loss: float, gradient_norm: float) -> Verdict:
        """Return what is to be done with a step, before the optimizer takes it; only what is taken counts as usual."""
        values = {"loss": loss, _NORM: gradient_norm}
        self._count_lost_ground(loss)
        what = next((name for name, value in values.items() if self._running[name].is_outlier(value)), None)
        words = ""
        if what is not None:
            words = self._skip(step, what, values[what])
            if self._num_skipped >= self._config.max_skips:
                streak = self.skips[-self._num_skipped :]
                if all(skip.what == _NORM and math.isfinite(skip.value) for skip in streak):
                    return self._as_usual(values, [skip.value for skip in streak])
                return Verdict("diverged", f"{words}, and so were all of the last {self._num_skipped}: {_REMEDY}")
        if self._num_above >= self._config.divergence_steps:
            factor = self._config.divergence_factor
            ground = f"for {self._num_above} steps the loss stood above {factor:g} times its best mean of {self._best or 0:.4g}"
            return Verdict("diverged", f"step {step}: {ground}: {_REMEDY}")
        if words:
            return Verdict("skip", words)
        self._take(values)
        return Verdict("take", "")

    def _as_usual(self, values: dict[str, float], norms: list[float]) -> Verdict:
        """Take the last of steps of large gradients and usual losses: a model that is left as it is has them for ever, and they are clipped."""
        step = self.skips.pop().step
        self._running[_NORM] = Running(self._config, norms[:-1])
        self._take(values)
        now = f"{statistics.fmean(norms):.4g}, the mean of the last {len(norms)}"
        return Verdict("take", f"step {step} is taken: while the loss is as usual, a gradient norm of {now}, is what is usual now")

    def _take(self, values: dict[str, float]) -> None:
        self._num_skipped = 0
        for name, value in values.items():
            self._running[name].take(value)
        losses = self._running["loss"]
        if losses.is_warm:
            self._best = min(losses.mean(), math.inf if self._best is None else self._best)

    def _skip(self, step: int, what: str, value: float) -> str:
        """List a step as left out; return why."""
        running = self._running[what]
        expected = running.mean() if running.values else None
        self._num_skipped += 1
        self.skips.append(Skip(step, what, value, expected))
        if not math.isfinite(value):
            return f"step {step} is left out, since its {what} is {value}"
        usual = f"{expected or 0:.4g}, the mean of the last {len(running.values)} taken"
        far = f"{self._config.sigmas:g} standard deviations of {running.deviation():.2g}"
        return f"step {step} is left out, since its {what} of {value:.4g} stands more than {far} above {usual}"

    def _count_lost_ground(self, loss: float) -> None:
        is_above = not math.isfinite(loss) or (self._best is not None and 0 < self._best * self._config.divergence_factor < loss)
        self._num_above = self._num_above + 1 if is_above else 0

    def begin_streaks_anew(self) -> None:
        """Count no step left out and none on lost ground: a training that goes back and on more slowly has as many steps again to recover."""
        self._num_skipped = self._num_above = 0

    def state(self) -> dict[str, Any]:
        """Return all that judging goes on from, as plain numbers and lists of them."""
        return {
            "values": {name: list(running.values) for name, running in self._running.items()},
            "num_skipped": self._num_skipped,
            "num_above": self._num_above,
            "best": self._best,
            "skips": [list(skip) for skip in self.skips],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take a state over. Raises KeyError: a part is missing."""
        self._running = {name: Running(self._config, state["values"][name]) for name in self._running}
        self._num_skipped, self._num_above, self._best = state["num_skipped"], state["num_above"], state["best"]
        self.skips = [Skip(*skip) for skip in state["skips"]]


_REMEDY = "training has diverged; go on from an older checkpoint at a lower learning rate, warm up for longer, or look at the data of these steps"
