"""For how long a model is trained: optimizer steps from one of five ways to say it.

Whatever is asked for is an upper bound: the last step is the last that stays within it. A hard stop ends a training early and leaves the schedule
as if it went on, so that a later training may take its state up.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key
from kernels.training.course.stages import BatchStage, LengthStage, Plan, make_plan, mean_over, most_steps, num_rows, rows_by_length, whole_rows

WAYS = ("num_steps", "num_tokens", "num_epochs", "num_flops", "tokens_per_parameter")
FLOPS_PER_PARAMETER = 6
"""Of a token, forwards and backwards (Kaplan et al. 2020, arXiv 2001.08361, section 2.1): attention over positions is left out."""


class HorizonConfig(Config):
    """One way to say how long a training is, and where to stop it."""

    num_steps: int | None = Field(default=None, gt=0)
    """Optimizer steps."""
    num_tokens: int | None = Field(default=None, gt=0)
    """Tokens of all rows that are read, at most."""
    num_epochs: float | None = Field(default=None, gt=0)
    """Rows that are read, at most, for each row of the mixture, some more and some less often, as weights say; part of an epoch reads a part."""
    num_flops: float | None = Field(default=None, gt=0)
    """Floating-point operations of all steps, at most."""
    tokens_per_parameter: float | None = Field(default=None, gt=0)
    """Tokens that are read for each parameter, at most; 20 make the best of a budget (Hoffmann et al. 2022, arXiv 2203.15556)."""
    stop_after_steps: int | None = Field(default=None, gt=0)
    """Step behind which training stops, though its schedule is that of the whole."""

    @model_validator(mode="after")
    def _says_it_once(self) -> Self:
        said = ways_said(self)
        if not said:
            raise fault_of_key("num_steps", f"nothing says how long the training is; give one of {', '.join(WAYS)}")
        if len(said) > 1:
            raise fault_of_key(said[1], f"{said[0]} says already how long the training is; leave one of them out")
        if self.num_steps is not None and self.stop_after_steps is not None:
            check_stop(self.stop_after_steps, self.num_steps)
        return self


class Extent(NamedTuple):
    """What the lengths of a training are measured by."""

    num_parameters: int
    """Those that a token is multiplied by: a table of embeddings counts only where it is the output layer too."""
    num_rows: int
    """Of the mixture: an epoch."""
    row_length: int
    """Tokens of a row."""
    flops_per_token: int | None
    """Forwards and backwards, of all that a row comes to by its tokens, where the model tells; else six a parameter."""
    num_output_parameters: int = 0
    """Of the parameters, those of the output layer."""
    lengths: Sequence[LengthStage] = ()
    """Of the pieces that rows are read in; none where they are read whole."""
    flops_of_pieces: Mapping[int, int] = MappingProxyType({})
    """As ``flops_per_token``, by the length of each of these pieces: the shorter one is, the less there is to attend to."""

    @property
    def mean_flops_per_token(self) -> Fraction:
        """FLOPs a token of a whole training."""
        if self.lengths:
            return mean_over(self.lengths, self.flops_of_pieces)
        return Fraction(self.flops_per_token or FLOPS_PER_PARAMETER * self.num_parameters)

    def plan(self, num_steps: int, batches: Sequence[BatchStage]) -> Plan:
        """Return what each step of a training of some steps reads."""
        return make_plan(num_steps, batches, self.lengths or whole_rows(self.row_length), self.row_length)


class Horizon(NamedTuple):
    """How long a training is."""

    num_steps: int
    """Those that the schedule is made for."""
    last_step: int
    """Step, counted from 1, behind which training ends."""
    num_tokens: int
    """That all steps of the schedule read."""
    words: str
    """How the steps came about, for a reader."""


def ways_said(config: HorizonConfig) -> list[str]:
    """Return the keys that say how long a training is."""
    return [way for way in WAYS if getattr(config, way) is not None]


def check_stop(stop_after_steps: int, num_steps: int) -> None:
    """Pass where a stop comes before the end. Raises a fault of ``stop_after_steps`` where it does not."""
    if stop_after_steps > num_steps:
        raise fault_of_key("stop_after_steps", f"{stop_after_steps} is more than the {num_steps} steps of the training; lower it or leave it out")


def rows_asked(config: HorizonConfig, extent: Extent) -> int | None:
    """Return the most rows that the training may read; None where its steps are given."""
    if config.num_steps is not None:
        return None
    if config.num_epochs is not None:
        return int(Fraction(repr(config.num_epochs)) * extent.num_rows)
    if config.num_tokens is not None:
        tokens = Fraction(config.num_tokens)
    elif config.num_flops is not None:
        tokens = Fraction(config.num_flops) / extent.mean_flops_per_token
    else:
        tokens = Fraction(repr(config.tokens_per_parameter)) * extent.num_parameters
    return int(tokens / extent.row_length)


def tokens_asked(config: HorizonConfig, extent: Extent) -> int | None:
    """Return the most tokens that the training may read, whatever its batches; None where its steps are given."""
    rows = rows_asked(config, extent)
    return None if rows is None else rows * extent.row_length


def find_horizon(config: HorizonConfig, extent: Extent, batches: Sequence[BatchStage]) -> Horizon:
    """Return how long a training is whose steps read batches of some stages.

    Raises:
        PydanticCustomError: a fault of the key that asks for less than a step, or of ``stop_after_steps`` behind the end.
    """
    way = ways_said(config)[0]
    rows = rows_asked(config, extent)
    num_steps = config.num_steps or most_steps(rows or 0, batches)
    if config.num_flops is not None and extent.lengths:
        num_steps = _most_steps_within(config.num_flops, num_steps + len(extent.lengths), extent, batches)
    if not num_steps:
        least = num_rows(make_plan(1, batches, whole_rows(1), 1))
        raise fault_of_key(
            way, f"{_written(config, way)} is {rows} rows of {extent.row_length} tokens, and a step reads {least}; raise it or lower the batch size"
        )
    if config.stop_after_steps is not None:
        check_stop(config.stop_after_steps, num_steps)
    read = num_rows(make_plan(num_steps, batches, whole_rows(1), 1))
    tokens = read * extent.row_length
    words = f"{num_steps:,} steps by {way} {_written(config, way)}: {tokens:,} tokens, {read / extent.num_rows:.2f} epochs"
    return Horizon(num_steps, config.stop_after_steps or num_steps, tokens, f"{words}, {tokens / extent.num_parameters:.1f} tokens a parameter")


def _most_steps_within(num_flops: float, num_steps: int, extent: Extent, batches: Sequence[BatchStage]) -> int:
    """Return the most steps, ``num_steps`` at most, within some operations: boundaries of stages are rounded to steps, which moves the sum."""
    while num_steps:
        read = rows_by_length(extent.plan(num_steps, batches), num_steps)
        if sum(rows * extent.row_length * extent.flops_of_pieces[length] for length, rows in read.items()) <= num_flops:
            break
        num_steps -= 1
    return num_steps


def _written(config: HorizonConfig, way: str) -> str:
    value: int | float = getattr(config, way)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
