"""Continued pretraining: a model that stands learns from further texts (Gururangan et al. 2020, arXiv 2004.10964).

The mixture is packed by the model's own tokenizer; the weights learn in float32, whatever they are stored in. The learning rate warms up and falls
anew: where a corpus grew, a mixture that comes `after` the first one and replays a share of it, with a peak near the first one's, comes close to a
training on all of it (Ibrahim et al. 2024, arXiv 2403.08763); a lower peak forgets less and learns less.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from kernels.models.formats.checkpoints import load_to_train, max_positions
from kernels.models.formats.fast import taken
from kernels.models.formats.generation import ask_as_before
from kernels.specs.config import Config
from kernels.specs.families import OneOf, configured
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Mixture, Parent, Tokenizer
from kernels.tokens.tokenizer_files import control_tokens, vocabulary_of
from kernels.training.config import TrainingConfig
from kernels.training.execution.seeding import seed_everything
from kernels.training.feeding.feed import sequence_length
from kernels.training.logs.losses import LOSS_FELL
from kernels.training.runs import Data, train

PARENT, MIXTURE, TOKENIZER = Parent("parent"), Mixture(), Tokenizer()


class ContinuePretrainingConfig(TrainingConfig):
    """For how long a model is trained further, and how fast it learns."""

    objective: Annotated[Config, OneOf("objectives")] = Field(default_factory=lambda: configured("objectives", "next_token"))
    """What the model is asked to predict; left out, the next token."""


def run(job: MethodJob) -> dict[str, float]:
    """Train the parent further.

    Raises:
        ValueError: the parent is quantized, reads shorter texts than the mixture has, or has another tokenizer than the mixture.
        FloatingPointError: the training diverged.
    """
    config: ContinuePretrainingConfig = job.config
    parent, mixture = job.paths[PARENT], job.paths[MIXTURE]
    if _what_packs(parent) != _what_packs(job.paths[TOKENIZER]):
        raise ValueError(f"{mixture}: is packed by another tokenizer than the parent has; pack it by {{method: of_model, model: the parent}}")
    seed_everything(config.seed)
    found = load_to_train(parent, job.device)
    window = getattr(found.model.config, "sliding_window", None)
    length = sequence_length(mixture)
    longest = min(max_positions(found.model) or length, window or length)
    if length > longest:
        raise ValueError(f"{mixture}: its sequences have {length} tokens, and the parent attends to {longest}; lower sequence_length")
    summary = train(job, config, Data(mixture, job.paths[TOKENIZER], config.objective), taken(found.model), found.tokenizer)
    if job.is_first:
        ask_as_before(parent, job.out)
    return summary


def _what_packs(folder: Path) -> tuple[dict[str, int], tuple[int, ...]]:
    """Return what texts that a tokenizer packs are read by: its vocabulary, and what it puts before each."""
    return vocabulary_of(folder), control_tokens(folder).before


SPEC = Method(
    name="continue_pretraining",
    version=6,
    config=ContinuePretrainingConfig,
    needs=(PARENT, MIXTURE, TOKENIZER),
    run=run,
    checks=(LOSS_FELL,),
)
