"""Stages of a training: how many rows a step reads and how long they are, where either changes with the tokens seen.

Stages are written as shares of the training's tokens, as reports write them (DeepSeek-V3: arXiv 2412.19437, section 4.2; Llama 3: arXiv 2407.21783,
section 3.4). The plan is made once, in whole numbers: a stage of w of the tokens at b rows a step has steps in the ratio w / b, each boundary rounded
to the nearest step. What a step reads follows from its number alone, so that nothing needs to be saved.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import NamedTuple, TypeVar

from pydantic import ConfigDict, Field

from kernels.specs.config import Config, fault_of_key


class _Stage(Config):
    model_config = ConfigDict(serialize_by_alias=True)  # a recipe's entry and a worker's request are read again from what they are written as

    start: float = Field(alias="from", ge=0, lt=1)
    """Share of the training's tokens that are read before it begins; the first stage begins at 0."""


_S = TypeVar("_S", bound=_Stage)


class BatchStage(_Stage):
    """From where on a step reads how many rows."""

    batch_size: int = Field(gt=0)
    """Rows of the mixture a step."""


class LengthStage(_Stage):
    """From where on rows are read in pieces of what length."""

    length: int = Field(gt=0)
    """Tokens of a piece; the rows of the mixture are a whole number of pieces."""


class Stage(NamedTuple):
    """Steps that read alike, up to the next stage."""

    first_step: int
    first_row: int
    """Of the first step, in the order of the training."""
    batch_size: int
    """Rows of the mixture a step."""
    length: int
    """Tokens that are read as one row."""


class Plan(NamedTuple):
    """What every step of a training reads."""

    stages: tuple[Stage, ...]
    num_steps: int
    row_length: int
    """Tokens of a row of the mixture."""


class Reading(NamedTuple):
    """What one step reads."""

    batch_size: int
    """Rows of the mixture."""
    length: int
    """Tokens that are read as one row: a batch is [batch_size * row_length / length, length]."""
    first_row: int
    """In the order of the training; the rows behind it follow."""


def constant(batch_size: int) -> tuple[BatchStage, ...]:
    """Return the one stage of a training whose steps all read as many rows."""
    return (BatchStage.model_validate({"from": 0, "batch_size": batch_size}),)


def whole_rows(row_length: int) -> tuple[LengthStage, ...]:
    """Return the one stage of a training that reads the rows of its mixture as they are."""
    return (LengthStage.model_validate({"from": 0, "length": row_length}),)


def check_stages(key: str, stages: Sequence[BatchStage] | Sequence[LengthStage]) -> None:
    """Pass where stages begin at 0 and stand in order. Raises a fault of ``key`` where they do not."""
    starts = [stage.start for stage in stages]
    if not starts or starts[0] != 0:
        raise fault_of_key(key, "the first stage begins behind the first token; let it begin with 'from: 0'")
    for before, start in pairwise(starts):
        if start <= before:
            raise fault_of_key(key, f"the stage from {start:g} stands behind that from {before:g}; put them in order")


def check_lengths(key: str, stages: Sequence[LengthStage], row_length: int) -> None:
    """Pass where a row of the mixture is a whole number of pieces at every stage. Raises a fault of ``key`` where it is not."""
    for stage in stages:
        if row_length % stage.length:
            raise fault_of_key(key, f"rows of {row_length} tokens are no whole number of pieces of {stage.length}; give a divisor of {row_length}")


def make_plan(num_steps: int, batches: Sequence[BatchStage], lengths: Sequence[LengthStage], row_length: int) -> Plan:
    """Return the plan of a training of some steps; stages are as `check_stages` and `check_lengths` pass them."""
    starts = sorted({stage.start for stage in (*batches, *lengths)})
    sizes = [_last(batches, start).batch_size for start in starts]
    pieces = [_last(lengths, start).length for start in starts]
    shares = _shares_of_steps(starts, sizes)
    firsts = [floor(num_steps * share + Fraction(1, 2)) for share in shares]
    stages: list[Stage] = []
    row = 0
    for first, after, size, piece in zip(firsts, [*firsts[1:], num_steps], sizes, pieces, strict=True):
        stages.append(Stage(first, row, size, piece))
        row += (after - first) * size
    return Plan(tuple(stages), num_steps, row_length)


def reading_at(step: int, plan: Plan) -> Reading:
    """Return what a step, counted from 0, reads. Raises ValueError: the training has no such step."""
    if not 0 <= step < plan.num_steps:
        raise ValueError(f"step {step} is none of the {plan.num_steps} steps of the plan, which are counted from 0")
    stage = plan.stages[bisect_right(plan.stages, step, key=lambda stage: stage.first_step) - 1]
    return Reading(stage.batch_size, stage.length, stage.first_row + (step - stage.first_step) * stage.batch_size)


def num_rows(plan: Plan) -> int:
    """Return how many rows of the mixture all steps read."""
    return sum(rows_by_length(plan, plan.num_steps).values())


def rows_by_length(plan: Plan, num_steps: int) -> dict[int, int]:
    """Return how many rows of the mixture the first steps read, by the length of the pieces that they are read in."""
    found: dict[int, int] = {}
    for stage, after in zip(plan.stages, [*(later.first_step for later in plan.stages[1:]), plan.num_steps], strict=True):
        found[stage.length] = found.get(stage.length, 0) + max(0, min(after, num_steps) - stage.first_step) * stage.batch_size
    return found


def mean_over(lengths: Sequence[LengthStage], of_length: Mapping[int, int]) -> Fraction:
    """Return the mean of what tokens come to by the length of their pieces, each stage by its share of the tokens."""
    points = [*(_exact(stage.start) for stage in lengths), Fraction(1)]
    return sum(((end - start) * of_length[stage.length] for stage, start, end in zip(lengths, points, points[1:], strict=False)), Fraction(0))


def most_steps(rows: int, batches: Sequence[BatchStage]) -> int:
    """Return the most steps that read no more than some rows; 0 where a single step reads more.

    Rounded boundaries move the rows by less than the changes of batch size, so that only the few counts which these leave open are looked at.
    """
    starts = [stage.start for stage in batches]
    sizes = [stage.batch_size for stage in batches]
    ends = [*map(_exact, starts[1:]), Fraction(1)]
    steps_a_row = sum(((end - _exact(start)) / size for start, end, size in zip(starts, ends, sizes, strict=True)), Fraction(0))
    slack = sum(abs(after - before) for before, after in pairwise(sizes))
    steps = ceil((rows + slack) * steps_a_row)
    while steps and num_rows(make_plan(steps, batches, whole_rows(1), 1)) > rows:
        steps -= 1
    return steps


def _shares_of_steps(starts: list[float], sizes: list[int]) -> list[Fraction]:
    """Return the share of all steps that stand before each stage."""
    points = [*map(_exact, starts), Fraction(1)]
    weights = [(after - before) / size for before, after, size in zip(points, points[1:], sizes, strict=False)]
    total = sum(weights, Fraction(0))
    shares = [Fraction(0)]
    for weight in weights[:-1]:
        shares.append(shares[-1] + weight / total)
    return shares


def _exact(share: float) -> Fraction:
    """Return a share as it is written: 0.1 is a tenth."""
    return Fraction(repr(share))


def _last(stages: Sequence[_S], start: float) -> _S:
    """Return the stage that holds from a share on."""
    return [stage for stage in stages if stage.start <= start][-1]
