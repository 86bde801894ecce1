"""What a training by gradient steps is told: how long, on how much at a time, how fast, how exactly, and what it does when something goes wrong."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kernels.specs.config import fault_of_key
from kernels.training.course.horizon import HorizonConfig
from kernels.training.course.schedules import Course, ScheduleConfig, check_course
from kernels.training.course.stages import BatchStage, LengthStage, check_stages
from kernels.training.guards import GuardConfig
from kernels.training.optimization.averaging import AveragingConfig
from kernels.training.optimization.optimizers import GroupConfig, OptimizerName

Rate = Annotated[float, Field(ge=0, lt=1)]


class TrainingConfig(HorizonConfig):
    """For how long a model is trained, and how fast it learns."""

    seed: int
    """Of what an objective draws, of weights where they are drawn, and of the order of examples; a mixture orders its rows by a seed of its own."""
    batch_size: Annotated[int, Field(gt=0)] | Literal["auto"]
    """Sequences a step; ``auto`` derives it from the tokens of the training (Li et al. 2025, arXiv 2503.04715)."""
    batch_stages: list[BatchStage] = Field(default=[])
    """Other batch sizes from given shares of the training's tokens on."""
    length_stages: list[LengthStage] = Field(default=[])
    """Pieces in which the rows of the mixture are read from given shares of the training's tokens on; left out, whole rows."""
    micro_batch_size: int | None = Field(default=None, gt=0)
    """Sequences that pass the model together; a step adds up the gradients of as many as it needs. Left out, all of a step."""
    learning_rate: Annotated[float, Field(gt=0)] | Literal["auto"]
    """At the end of the warm-up; ``auto`` derives it from size and tokens (the same)."""
    warmup_steps: int = Field(ge=0)
    """Steps of linear warm-up."""
    min_learning_rate_ratio: float = Field(ge=0, le=1)
    """Share of the learning rate that the schedule ends at."""
    schedule: ScheduleConfig = ScheduleConfig()
    """How the learning rate falls behind the warm-up."""
    optimizer: OptimizerName = "adamw"
    """What updates matrices; embeddings, norms and biases are AdamW's either way."""
    parameter_groups: list[GroupConfig] = Field(default=[])
    """Settings by name of parameter, the first that matches; left out, matrices are decayed, and norms, biases and embeddings are not."""
    weight_decay: Annotated[float, Field(ge=0)] | Literal["auto"]
    """Of matrices; ``auto`` derives it from the rate and the length of the training (Wang and Aitchison 2024, arXiv 2405.13698)."""
    betas: tuple[Rate, Rate] = (0.9, 0.95)
    """AdamW's decay rates (Touvron et al. 2023, arXiv 2302.13971)."""
    gradient_clip: float = Field(gt=0)
    """Largest norm of the gradient."""
    z_loss: float = Field(default=0.0, ge=0)
    """Weight of the squared log of the softmax's sum (Chowdhery et al. 2022, arXiv 2204.02311: 1e-4)."""
    averaging: AveragingConfig | None = None
    """Whether the model that is kept is an average of those that training passed through."""
    precision: Literal["float32", "bfloat16", "float16"]
    """Of matrix products; weights and optimizer state are float32, and float16 scales its losses."""
    activation_checkpointing: Literal["none", "selective", "full"] = "none"
    """What of the forward pass is computed again in the backward pass, to spare memory: nothing, all but products with weights, or whole blocks."""
    compile: Literal["auto", "never"] = "auto"
    """Whether blocks are compiled: where the training is long enough to pay for it, or not at all."""
    guards: GuardConfig = GuardConfig()
    """What becomes of steps whose loss or gradient is far from the usual."""
    validate_every: int = Field(gt=0)
    """Steps between validations; the last step is always validated."""
    max_validation_sequences: int = Field(gt=0)
    """Sequences of the validation split that are looked at."""
    samples: list[Annotated[str, Field(min_length=1)]] = Field(default=[])
    """Beginnings that the model goes on from at each validation, by its likeliest tokens."""
    sample_tokens: int = Field(default=32, gt=0)
    """Tokens of a sample."""
    tensor_statistics_every: int | None = Field(default=None, gt=0)
    """Steps between looks at each tensor: norms of weight, gradient and update, and gradients that are 0 or no numbers. They cost a copy of the
    weights and a few passes over them. Left out, none are taken."""
    checkpoint_every: int = Field(gt=0)
    """Steps between resumable states."""
    checkpoint_seconds: float | None = Field(default=None, gt=0)
    """Seconds after which a state is kept though its step has not come."""
    keep_states: int = Field(default=2, gt=0)
    """Resumable states that are kept, the newest ones; that of the best validation is kept beside them, at whatever step it stands."""
    keep: Literal["last", "best"] = "last"
    """Whether the checkpoint holds the weights behind the last step or those of the best validation."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.batch_stages:
            check_stages("batch_stages", self.all_batch_stages(1))
        if self.length_stages:
            check_stages("length_stages", self.length_stages)
        if self.num_steps is not None:
            check_course(self.course(self.num_steps, 1.0))
        if self.num_tokens is None and self.num_steps is None and self.batch_size == "auto" and self.num_epochs is None:
            raise fault_of_key("batch_size", "'auto' follows from the tokens of the training; say it by num_tokens, num_epochs, or give a number")
        return self

    def all_batch_stages(self, batch_size: int) -> list[BatchStage]:
        """Return the stages of batch sizes, with the first."""
        return [BatchStage.model_validate({"from": 0, "batch_size": batch_size}), *self.batch_stages]

    def course(self, num_steps: int, peak: float) -> Course:
        """Return all that the learning rates depend on."""
        return Course(peak, num_steps, self.warmup_steps, self.min_learning_rate_ratio, self.schedule)
