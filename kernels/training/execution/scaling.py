"""Dynamic loss scaling for half precision (Micikevicius et al. 2018, arXiv 1710.03740, section 3.2), as numbers alone.

A loss is multiplied by the scale before it is traced backwards, so that small gradients do not vanish in 16 bits, and gradients are divided by it
before they are looked at. Where one of them has overflowed, the step is left out and the scale falls; after a run of finite steps it rises.
"""

from typing import NamedTuple, Self

from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key


class ScalingConfig(Config):
    """How the scale moves. Powers of two, as by default, leave the bits of what they multiply alone."""

    initial_scale: float = Field(default=2.0**16, gt=0)
    """Of the first step."""
    growth: float = Field(default=2.0, gt=1)
    """What the scale is multiplied by after a run of finite steps."""
    backoff: float = Field(default=0.5, gt=0, lt=1)
    """What it is multiplied by after an overflow."""
    growth_interval: int = Field(default=2000, gt=0)
    """Finite steps, one behind the other, after which it grows."""
    min_scale: float = Field(default=1.0, gt=0)
    """Below it training stops: gradients overflow however small the loss is made."""
    max_scale: float = Field(default=2.0**24, gt=0)
    """Above it the scale does not grow."""

    @model_validator(mode="after")
    def _starts_in_range(self) -> Self:
        if not self.min_scale <= self.initial_scale <= self.max_scale:
            raise fault_of_key("initial_scale", f"{self.initial_scale:g} is not between {self.min_scale:g} and {self.max_scale:g}; move it there")
        return self


class Scaling(NamedTuple):
    """The scale of the next step, and all that it depends on."""

    scale: float
    num_finite: int
    """Finite steps since it last moved."""


def first_scaling(config: ScalingConfig) -> Scaling:
    """Return the scale of the first step."""
    return Scaling(config.initial_scale, 0)


def next_scaling(scaling: Scaling, is_finite: bool, config: ScalingConfig) -> Scaling:
    """Return the scale of the next step, where all gradients of this one were finite or one was not.

    Raises:
        FloatingPointError: gradients overflow at the smallest scale.
    """
    if not is_finite:
        scale = scaling.scale * config.backoff
        if scale < config.min_scale:
            raise FloatingPointError(
                f"gradients overflow at a loss scale of {scaling.scale:g}, and {scale:g} is below min_scale; train in bfloat16 or at a lower rate"
            )
        return Scaling(scale, 0)
    if scaling.num_finite + 1 < config.growth_interval:
        return Scaling(scaling.scale, scaling.num_finite + 1)
    return Scaling(min(scaling.scale * config.growth, config.max_scale), 0)


def pack(scaling: Scaling) -> dict[str, float]:
    """Return the state as plain numbers."""
    return {"scale": scaling.scale, "num_finite": scaling.num_finite}


def unpack(numbers: dict[str, float]) -> Scaling:
    """Return the state that `pack` gave. Raises KeyError: a number is missing."""
    return Scaling(float(numbers["scale"]), int(numbers["num_finite"]))
