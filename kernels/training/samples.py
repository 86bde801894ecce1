"""What a model in training says: beginnings that it goes on from, by its likeliest tokens, by the engine of all answers."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kernels.inference.decoding import generate
from kernels.models.formats.checkpoints import LanguageModel
from kernels.models.formats.own import classes
from kernels.training.learner import Learner


def can_be_sampled(learner: Learner) -> bool:
    """Return whether a model can be asked while it trains: a decoder of ours."""
    from kernels.models.blocks.decoder import Decoder

    return isinstance(learner.module, Decoder)


def sample(learner: Learner, tokenizer: Any, prompts: Sequence[str], max_new_tokens: int) -> list[str]:
    """Return how a model goes on from each prompt."""
    import torch

    with torch.compiler.set_stance("force_eager"):
        asked_model = LanguageModel(_Asked(learner.module, classes()[0](stack=learner.module.shape._asdict())), tokenizer, learner.setting.device)
        return generate(asked_model, list(prompts), max_new_tokens=max_new_tokens, temperature=0.0, seed=0)


class _Asked(NamedTuple):
    """A decoder in training, as the engine is told of loaded models."""

    module: Any
    config: Any
