"""Which source each position of a training is of, and how many positions it had before: both asked of any position alone.

Positions take the fractional parts of multiples of the golden ratio, the sequence on a line that is most even over every stretch (Kuipers and
Niederreiter 1974, "Uniform Distribution of Sequences", 2.3), and each source owns a part of the line as long as its share: so it has its share
to within a few positions wherever one begins to count. Earlier positions are counted exactly, as points of a lattice below a line.
"""

from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from kernels.tokens.mixtures.index import MixtureIndex, as_written, shares_of
from kernels.tokens.mixtures.permutation import I64, key_of

_POINTS = 1 << 64
"""The line, in whole numbers."""
_STEP = 0x9E3779B97F4A7C15
"""Odd, and nearest to 2**64 divided by the golden ratio."""


class Turn(NamedTuple):
    """What one source gives within a stretch of positions."""

    source: str
    places: I64
    """Which positions are its own, counted from the stretch's beginning."""
    rank: int
    """How many it had before, in the whole training."""


class _Stage(NamedTuple):
    """Positions with the same shares."""

    start: int
    sources: tuple[str, ...]
    """Those that have a share, by name."""
    bounds: tuple[int, ...]
    """Source number i owns the points from bounds[i] on and below bounds[i + 1]."""
    ranks: dict[str, int]
    """How many positions before the start each source had, less those that these bounds would have given it there."""


class SourceOrder:
    """The sources of the positions of a training of a given length."""

    def __init__(self, index: MixtureIndex, total: int) -> None:
        """Lay out the stages. ``total`` is the number of positions; a stage begins at the one nearest to its share of them."""
        self.total = total
        self._offset = key_of(index.seed, "sources")
        self._stages: list[_Stage] = []
        counts = dict.fromkeys(index.sources, 0)
        for share, weights in ((0.0, index.weights), *((stage.start, stage.weights) for stage in index.stages)):
            start = round(as_written(share) * total)
            counts = self._ranks(self._stages[-1], start) if self._stages else counts
            shares = shares_of(weights)
            sources, bounds = tuple(shares), _bounds(list(shares.values()))
            given = self._given(sources, bounds, start)
            self._stages.append(_Stage(start, sources, bounds, {name: count - given.get(name, 0) for name, count in counts.items()}))
        self.counts: dict[str, int] = self._ranks(self._stages[-1], total)
        """How many positions each source has in all."""

    def turns(self, start: int, count: int) -> list[Turn]:
        """Return what each source gives at positions from ``start`` on, in no order that means something."""
        found: list[Turn] = []
        ends = [*(stage.start for stage in self._stages[1:]), self.total]
        for stage, last in zip(self._stages, ends, strict=True):
            begin, end = max(start, stage.start), min(start + count, last)
            if begin < end:
                found += [turn._replace(places=turn.places + (begin - start)) for turn in self._turns_of(stage, begin, end - begin)]
        return found

    def _turns_of(self, stage: _Stage, start: int, count: int) -> list[Turn]:
        first = np.uint64((start * _STEP + self._offset) % _POINTS)
        points = np.arange(count, dtype=np.uint64) * np.uint64(_STEP) + first
        owners = np.searchsorted(np.array(stage.bounds[1:-1], np.uint64), points, side="right")
        ranks = self._ranks(stage, start)
        present: list[int] = np.unique(owners).tolist()
        return [Turn(stage.sources[number], np.flatnonzero(owners == number), ranks[stage.sources[number]]) for number in present]

    def _ranks(self, stage: _Stage, position: int) -> dict[str, int]:
        """Return how many positions before one each source had, where the position lies in a stage or at its end."""
        given = self._given(stage.sources, stage.bounds, position)
        return {name: rank + given.get(name, 0) for name, rank in stage.ranks.items()}

    def _given(self, sources: tuple[str, ...], bounds: tuple[int, ...], position: int) -> dict[str, int]:
        """Return how many of all positions before one have a point that a source owns."""
        # With x a position's multiple in lines, floor(x) - floor(x - bound) is 1 where its point is below the bound, else 0.
        passed = floor_sum(position, _STEP, self._offset, _POINTS) + position
        inner = [passed - floor_sum(position, _STEP, self._offset + _POINTS - bound, _POINTS) for bound in bounds[1:-1]]
        below = [0, *inner, position]
        return {name: below[number + 1] - below[number] for number, name in enumerate(sources)}


def _bounds(shares: list[Fraction]) -> tuple[int, ...]:
    """Return where the sources' parts of the line begin, and where the last one ends."""
    return tuple(int(_POINTS * end) for end in accumulate(shares, initial=Fraction(0)))


def floor_sum(count: int, factor: int, shift: int, modulus: int) -> int:
    """Return the sum of floor((factor * i + shift) / modulus) over i from 0 to ``count`` - 1, in a number of steps that grows as logarithms do.

    Points of a lattice below a line, counted as Euclid's algorithm goes (Graham, Knuth and Patashnik 1994, "Concrete Mathematics", 3.5).
    """
    total = 0
    while True:
        quotient, factor = divmod(factor, modulus)
        total += quotient * (count * (count - 1) // 2)
        quotient, shift = divmod(shift, modulus)
        total += quotient * count
        reach = factor * count + shift
        if reach < modulus:
            return total
        count, shift = divmod(reach, modulus)
        factor, modulus = modulus, factor
