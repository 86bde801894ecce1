"""The learning rate as a function of the step alone: a linear warm-up, then a fall of one of three kinds.

The cosine is that of Loshchilov and Hutter 2017 (arXiv 1608.03983) without restarts. Warm-up, stable, decay (Hu et al. 2024, arXiv 2404.06395)
holds the rate until a last share of the steps, so that one training serves several lengths; Hägele et al. 2024 (arXiv 2405.18392) find a
fall by one minus a square root best, and 10 to 20% of the steps enough for what a cosine reaches.
"""

import math
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key

DECAY_SHARE = 0.2
DECAY_SHAPE = "one_minus_sqrt"


class ScheduleConfig(Config):
    """How the learning rate falls once it has warmed up."""

    kind: Literal["cosine", "linear", "warmup_stable_decay"] = "cosine"
    """Along half a cosine, along a line, or not before the last share of the steps."""
    decay_share: float | None = Field(default=None, gt=0, le=1)
    """Share of the steps in which it falls, where it is held before. Left out: 0.2 (Hägele et al. 2024)."""
    decay_shape: Literal["linear", "one_minus_sqrt"] | None = None
    """How it falls where it is held before. Left out: one_minus_sqrt (Hägele et al. 2024)."""

    @model_validator(mode="after")
    def _tells_of_a_decay_that_there_is(self) -> Self:
        for key, value in (("decay_share", self.decay_share), ("decay_shape", self.decay_shape)):
            if self.kind != "warmup_stable_decay" and value is not None:
                raise fault_of_key(key, f"a {self.kind} schedule falls from the end of the warm-up to the last step; leave {key} out")
        return self


class Course(NamedTuple):
    """All that the learning rates of a training depend on."""

    peak: float
    """At the end of the warm-up."""
    num_steps: int
    warmup_steps: int
    min_ratio: float
    """Share of the peak that the fall ends at."""
    schedule: ScheduleConfig


def check_course(course: Course) -> None:
    """Pass where the warm-up ends before the fall begins. Raises a fault of ``warmup_steps`` or ``schedule`` where it does not."""
    if course.warmup_steps > course.num_steps:
        raise fault_of_key(
            "warmup_steps", f"{course.warmup_steps} is more than num_steps, {course.num_steps}, so that the warm-up never ends; lower it"
        )
    first = first_decayed_step(course)
    if course.warmup_steps > first:
        raise fault_of_key(
            "schedule", f"the decay begins with step {first + 1}, before the warm-up of {course.warmup_steps} steps ends; lower decay_share"
        )


def first_decayed_step(course: Course) -> int:
    """Return the step, counted from 0, whose rate begins the fall; at least one step falls, however small its share is."""
    if course.schedule.kind != "warmup_stable_decay":
        return course.warmup_steps
    return course.num_steps - max(1, round((course.schedule.decay_share or DECAY_SHARE) * course.num_steps))


def learning_rate_at(step: int, course: Course) -> float:
    """Return the learning rate of a step, counted from 0.

    The first step of the fall has the peak, and the floor would be that of the step behind the last.

    Raises:
        ValueError: the training has no such step.
    """
    if not 0 <= step < course.num_steps:
        raise ValueError(f"step {step} is none of the {course.num_steps} steps of the schedule, which are counted from 0")
    if step < course.warmup_steps:
        return course.peak * (step + 1) / course.warmup_steps
    first = first_decayed_step(course)
    progress = max(0, step - first) / max(1, course.num_steps - first)
    floor = course.peak * course.min_ratio
    return floor + (course.peak - floor) * _height(progress, course.schedule)


def _height(progress: float, schedule: ScheduleConfig) -> float:
    """Return how high above its floor a rate stands, from 1 down to 0, at a share of the fall."""
    if schedule.kind == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    if schedule.kind == "warmup_stable_decay" and (schedule.decay_shape or DECAY_SHAPE) == "one_minus_sqrt":
        return 1 - math.sqrt(progress)
    return 1 - progress
