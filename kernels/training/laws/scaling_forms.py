"""Forms of a scaling law, and which of them some runs can tell: a form with more constants than the runs fix gives any prediction one likes.

From the fullest down: both variables with an exponent each (Hoffmann et al. 2022, arXiv 2203.15556), both with one exponent (Muennighoff et al.
2023, arXiv 2305.16264, tie them so), one variable with a floor (Hestness et al. 2017, arXiv 1712.00409), one variable as a bare power.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Form = Literal["sizes_and_tokens", "one_exponent", "sizes", "tokens", "sizes_without_floor", "tokens_without_floor"]
Floats = NDArray[np.float64]
MAX_CORRELATION = 0.98
"""Of log size and log tokens: above it the runs lie on one path, and what size and tokens each do cannot be told apart."""
SAME = 0.02
"""Relative difference below which two sizes or budgets are one."""
START_EXPONENTS = (0.1, 0.3, 0.6, 1.2)
START_FLOORS = (0.3, 0.6, 0.9)
"""As shares of the lowest loss."""
MAX_LOG, MIN_LOG = 30.0, -30.0


class Run(NamedTuple):
    """One run, trained to the end of its schedule."""

    num_parameters: float
    num_tokens: float
    loss: float


class Shape(NamedTuple):
    """What a form is made of, and how many runs it asks for: more than it has constants, so that something is left to judge it by."""

    formula: str
    floor: bool
    sizes: bool
    tokens: bool
    tied: bool
    min_runs: int
    min_distinct: int
    """Sizes, budgets, or both, where the form has them."""

    def has(self, constant: str) -> bool:
        """Return whether the form has a constant of the law."""
        return {"floor": self.floor, "size": self.sizes, "token": self.tokens}[constant.partition("_")[0]]

    def terms(self, constants: Floats, sizes: Floats, tokens: Floats) -> tuple[Floats, Floats]:
        """Return the logs of the form's terms [K, R], and their slopes by constants [K, R, C]: logs of the terms first, then exponents."""
        axes = [axis for axis, chosen in ((sizes, self.sizes), (tokens, self.tokens)) if chosen]
        num_terms = len(axes) + self.floor
        logs = np.repeat(constants[:num_terms, None], len(sizes), axis=1)
        slopes = np.zeros((num_terms, len(sizes), len(constants)))
        for term in range(num_terms):
            slopes[term, :, term] = 1
        for index, axis in enumerate(axes):
            exponent = num_terms + (0 if self.tied else index)
            logs[self.floor + index] -= constants[exponent] * axis
            slopes[self.floor + index, :, exponent] = -axis
        return logs, slopes

    def exponents(self, constants: Floats) -> list[float]:
        """Return the exponents among the constants."""
        return [float(value) for value in constants[self.floor + self.sizes + self.tokens :]]

    def constants(self, constants: Floats, centre: tuple[float, float]) -> tuple[float, float, float, float, float]:
        """Return floor, size factor and exponent, token factor and exponent: those that the form has not are 0."""
        logs, exponents = list(constants[: self.floor + self.sizes + self.tokens]), self.exponents(constants)
        floor = math.exp(logs.pop(0)) if self.floor else 0.0
        pairs: list[float] = []
        for index, (chosen, middle) in enumerate(((self.sizes, centre[0]), (self.tokens, centre[1]))):
            exponent = exponents[0 if self.tied else min(index, len(exponents) - 1)]
            pairs += [math.exp(logs.pop(0) + exponent * middle), exponent] if chosen else [0.0, 0.0]
        return floor, pairs[0], pairs[1], pairs[2], pairs[3]

    def starts(self, lowest: float) -> list[Floats]:
        """Return a grid of starts, given the log of the lowest loss: what is not floor is parted among the other terms."""
        num_axes = self.sizes + self.tokens
        found: list[Floats] = []
        for share in START_FLOORS if self.floor else (0.0,):
            for parts in ((1.0,),) if num_axes == 1 else ((0.25, 0.75), (0.5, 0.5), (0.75, 0.25)):
                logs = ([lowest + math.log(share)] if self.floor else []) + [lowest + math.log((1.1 - share) * part) for part in parts]
                found += [np.array([*logs, *each]) for each in itertools.product(START_EXPONENTS, repeat=1 if self.tied else num_axes)]
        return found

    def bounds(self, low: float, high: float) -> list[tuple[float, float]]:
        """Return the bounds of the constants, given those of exponents."""
        num_terms = self.floor + self.sizes + self.tokens
        return [(MIN_LOG, MAX_LOG)] * num_terms + [(low, high)] * (1 if self.tied else self.sizes + self.tokens)

    def lack(self, runs: Sequence[Run], *, as_drawn: bool = False) -> str | None:
        """Return what runs lack for the form, None where they do: of runs drawn with replacement each counts once, and one less is asked for."""
        if self.sizes and self.tokens and correlation(runs) > MAX_CORRELATION:
            return f"{self.formula} asks for sizes trained on differing numbers of tokens, and tokens follow size in all runs"
        count = len(set(runs)) if as_drawn else len(runs)
        asked = self.floor + self.sizes + self.tokens + (1 if self.tied else self.sizes + self.tokens) if as_drawn else self.min_runs
        if count < asked:
            return f"{self.formula} asks for {asked} runs, and there are {count}"
        for chosen, name, values in ((self.sizes, "sizes", [run[0] for run in runs]), (self.tokens, "numbers of tokens", [run[1] for run in runs])):
            wanted = self.min_distinct - (as_drawn and self.sizes != self.tokens)
            if chosen and num_distinct(values) < wanted:
                return f"{self.formula} asks for {wanted} {name}, and there are {num_distinct(values)}"
        return None

    def require_on_path(self, runs: Sequence[Run], num_parameters: float, num_tokens: float, tolerance: float) -> None:
        """Raise ValueError where a form of one variable is asked about a point off the path that its runs lie on."""
        if self.sizes and self.tokens:
            return
        along, across = (0, 1) if self.sizes else (1, 0)
        point = (num_parameters, num_tokens)
        path = Path.through([(math.log(run[along]), math.log(run[across])) for run in runs])
        expected = math.exp(path.at(math.log(point[along])))
        if abs(point[across] / expected - 1) > tolerance:
            kind = ("parameters", "tokens")
            raise ValueError(
                f"the runs tell {self.formula} only along their own path, where {point[along]:.3g} {kind[along]} go with {expected:.3g} "
                f"{kind[across]}, not {point[across]:.3g}; ask for that point, or train sizes on differing numbers of tokens"
            )


class Path(NamedTuple):
    """The straight line that runs lie on, in logs."""

    middle: tuple[float, float]
    slope: float

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]]) -> "Path":
        """Return the line of least squares."""
        middle = (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))
        spread = sum((x - middle[0]) ** 2 for x, _ in points)
        slope = sum((x - middle[0]) * (y - middle[1]) for x, y in points) / spread if spread else 0.0
        return cls(middle, slope)

    def at(self, x: float) -> float:
        """Return where the line is."""
        return self.middle[1] + self.slope * (x - self.middle[0])


class Choice(NamedTuple):
    """A form, why it is tried, and the centre (log size, log tokens) that its constants are counted from while they are fitted."""

    form: Form
    why: str
    centre: tuple[float, float]


FORMS: dict[Form, Shape] = {
    "sizes_and_tokens": Shape("E + A/N^alpha + B/D^beta", True, True, True, False, 8, 3),
    "one_exponent": Shape("E + A/N^alpha + B/D^alpha", True, True, True, True, 6, 3),
    "sizes": Shape("E + A/N^alpha", True, True, False, False, 5, 4),
    "tokens": Shape("E + B/D^beta", True, False, True, False, 5, 4),
    "sizes_without_floor": Shape("A/N^alpha", False, True, False, False, 3, 3),
    "tokens_without_floor": Shape("B/D^beta", False, False, True, False, 3, 3),
}


def check_runs(runs: Sequence[Run]) -> None:
    """Raise ValueError where a number of a run is not finite and above zero, or there are fewer than three runs."""
    for number, run in enumerate(runs, 1):
        wrong = [f"{name} {value}" for name, value in zip(Run._fields, run, strict=True) if not (math.isfinite(value) and value > 0)]
        if wrong:
            raise ValueError(f"run {number} of {len(runs)}: {', '.join(wrong)}; a scaling law is of finite numbers above zero, leave the run out")
    if len(runs) < 3:
        raise ValueError(
            f"{len(runs)} runs tell no scaling law: a line has two constants, and something must be left to judge it by; train 3 or more"
        )


def candidates(runs: Sequence[Run]) -> Iterator[Choice]:
    """Yield the forms that runs can tell, the fullest first, each with the reason why no fuller one is.

    Raises:
        ValueError: there is none (names what is missing).
    """
    centre = (sum(math.log(run[0]) for run in runs) / len(runs), sum(math.log(run[1]) for run in runs) / len(runs))
    lacks: list[str] = []
    found = False
    for form, shape in FORMS.items():
        if shape.sizes != shape.tokens and not _is_of_one_path(shape, runs):
            continue
        lack = shape.lack(runs)
        if lack is None:
            found = True
            yield Choice(form, f"{shape.formula} is the fullest form that {len(runs)} runs tell" + (f": {'; '.join(lacks)}" if lacks else ""), centre)
        else:
            lacks.append(lack)
    if not found:
        raise ValueError(f"no form of a scaling law can be told from these {len(runs)} runs: {'; '.join(lacks)}; train what is missing")


def _is_of_one_path(shape: Shape, runs: Sequence[Run]) -> bool:
    """Return whether the other variable stays as it is or follows the form's own, so that a law of one variable says something."""
    one_size, one_budget = (num_distinct([run[axis] for run in runs]) == 1 for axis in (0, 1))
    follows = not one_size and not one_budget and correlation(runs) > MAX_CORRELATION
    return (one_budget or follows) if shape.sizes else one_size


def num_distinct(values: Sequence[float]) -> int:
    """Return how many values there are that differ by more than `SAME`."""
    ordered = sorted(values)
    return 1 + sum(high > low * (1 + SAME) for low, high in itertools.pairwise(ordered))


def correlation(runs: Sequence[Run]) -> float:
    """Return the absolute correlation of log size and log tokens, 0 where one of them does not vary."""
    logs = np.log([run[:2] for run in runs])
    centred = logs - logs.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=0))
    return abs(float((centred[:, 0] * centred[:, 1]).sum() / norms.prod())) if norms.min() > SAME else 0.0
