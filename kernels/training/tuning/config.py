"""What a training on conversations is told: a training as any other, with numbers that suit a few steps on a model that stands."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kernels.specs.config import fault_of_key
from kernels.specs.objectives import Attention
from kernels.training.config import Rate, TrainingConfig
from kernels.training.course.schedules import ScheduleConfig

ATTENTIONS: frozenset[Attention] = frozenset({"causal", "prefix"})
"""Of models that learn answers: a decoder apart is not trained on conversations, and masked tokens answer nothing."""
DERIVED = ("batch_size", "learning_rate", "weight_decay")
"""Keys that laws of pretraining derive, which say nothing of a model that stands."""


class TuningConfig(TrainingConfig):
    """A training on conversations; a sequence is one of them, and a pair of answers is one sequence. Each stands whole, and a step packs its own."""

    max_length: int = Field(gt=1)
    """Tokens of prompt and answer together; longer conversations are left out and counted."""
    validation_fraction: float = Field(default=0.05, ge=0, lt=1)
    """Share of conversations that are never trained on, by a hash of their prompts; fewer than 8 are not held out."""
    min_learning_rate_ratio: float = Field(default=0.0, ge=0, le=1)
    """Share of the learning rate that the schedule ends at."""
    schedule: ScheduleConfig = ScheduleConfig(kind="linear")
    """How the learning rate falls behind the warm-up; left out, along a line."""
    weight_decay: Annotated[float, Field(ge=0)] | Literal["auto"] = 0.0
    """Of matrices."""
    betas: tuple[Rate, Rate] = (0.9, 0.999)
    """AdamW's decay rates (Loshchilov and Hutter 2019, arXiv 1711.05101)."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""
    validate_every: int = Field(default=20, gt=0)
    """Steps between validations; the last step is always validated."""
    max_validation_sequences: int = Field(default=64, gt=0)
    """Conversations held out that are looked at."""

    @model_validator(mode="after")
    def _is_of_whole_conversations(self) -> Self:
        if self.length_stages:
            raise fault_of_key("length_stages", "a conversation is read whole; leave the key out")
        for key in DERIVED:
            if getattr(self, key) == "auto":
                raise fault_of_key(key, "'auto' follows from a law of pretraining, which says nothing of a model that stands; give a number")
        return self


def reads(config: TuningConfig) -> tuple[str, int]:
    """Return the key that bounds a conversation, and how many tokens it may have."""
    return "max_length", config.max_length
