"""Pretraining: a model from random weights learns an objective over a packed mixture (kernels/training/runs.py)."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from kernels.methods.pretraining.from_scratch import fresh_model, load_tokenizer, max_positions
from kernels.specs.architectures import Architecture
from kernels.specs.config import Config, fault_of_key
from kernels.specs.families import OneOf, chosen, configured
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Mixture, Tokenizer
from kernels.specs.objectives import Attention, Objective, mismatch
from kernels.training.config import TrainingConfig
from kernels.training.logs.losses import LOSS_FELL
from kernels.training.runs import Data, train

MIXTURE, TOKENIZER = Mixture(), Tokenizer()


class PretrainConfig(TrainingConfig):
    """What is trained, for how long, and how fast it learns."""

    architecture: Annotated[Config, OneOf("architectures")]
    """The model's family and shape."""
    objective: Annotated[Config, OneOf("objectives")] = Field(default_factory=lambda: configured("objectives", "next_token"))
    """What the model is asked to predict; left out, the next token."""

    @model_validator(mode="after")
    def _architecture_can_do_the_objective(self) -> Self:
        architecture: Architecture = chosen("architectures", self.architecture)
        if architecture.reads_images:
            raise fault_of_key("architecture", f"{architecture.name} reads images, which a mixture has none of; train it by pretrain_image_text")
        if told := mismatch(self.objective, architecture.name, architecture.attentions, is_named="objective" in self.model_fields_set):
            raise fault_of_key("objective", told)
        return self


def run(job: MethodJob) -> dict[str, float]:
    """Train from scratch, or on from the state a killed run left in ``job.scratch``. Raises FloatingPointError: the training diverged."""
    config: PretrainConfig = job.config
    tokenizer = load_tokenizer(job.paths[TOKENIZER])
    data = Data(job.paths[MIXTURE], job.paths[TOKENIZER], config.objective)
    return train(job, config, data, fresh_model(config, tokenizer), tokenizer)


def attention(config: PretrainConfig) -> Attention:
    """Return who may look at whom in the model."""
    objective: Objective = chosen("objectives", config.objective)
    return objective.attention(config.objective)


SPEC = Method(
    name="pretrain",
    version=6,
    config=PretrainConfig,
    needs=(MIXTURE, TOKENIZER),
    run=run,
    checks=(LOSS_FELL,),
    max_positions=max_positions,
    attention=attention,
)
