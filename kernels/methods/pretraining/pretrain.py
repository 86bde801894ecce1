"""Pretraining: next-token prediction from random weights over a packed mixture (kernels/training/next_token.py)."""

from typing import Annotated, Any, cast

from kernels.specs.config import Config
from kernels.specs.families import OneOf, chosen
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Mixture, Tokenizer
from kernels.training.losses import LOSS_FELL
from kernels.training.next_token import NextTokenConfig, train_and_save
from kernels.training.seeding import seed_everything

MIXTURE, TOKENIZER = Mixture(), Tokenizer()


class PretrainConfig(NextTokenConfig):
    """What is trained, for how long, and how fast it learns."""

    architecture: Annotated[Config, OneOf("architectures")]
    """The model's family and shape."""


def run(job: MethodJob) -> dict[str, float]:
    """Train from scratch, or on from the state a killed run left in ``job.scratch``. Raises FloatingPointError: the loss is not finite."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config: PretrainConfig = job.config
    tokenizer: Any = cast(Any, AutoTokenizer).from_pretrained(job.paths[TOKENIZER], local_files_only=True)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    seed_everything(config.seed)
    architecture = chosen("architectures", config.architecture)
    shape = architecture.build(
        config.architecture, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model: Any = cast(Any, AutoModelForCausalLM).from_config(shape)
    return train_and_save(job, config, job.paths[MIXTURE], model, tokenizer)


def max_positions(config: PretrainConfig) -> int | None:
    """Return how many tokens the model may read."""
    return chosen("architectures", config.architecture).max_positions(config.architecture)


SPEC = Method(
    name="pretrain",
    version=3,
    config=PretrainConfig,
    needs=(MIXTURE, TOKENIZER),
    run=run,
    checks=(LOSS_FELL,),
    max_positions=max_positions,
)
