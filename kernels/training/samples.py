"""What a model in training says: beginnings that it goes on from, by its likeliest tokens, through the one loop of all answers."""

from collections.abc import Sequence
from typing import Any

from kernels.inference.decoding import generate
from kernels.models.formats.checkpoints import LanguageModel
from kernels.models.formats.own import Answer, asked, classes
from kernels.training.learner import Learner


def can_be_sampled(learner: Learner) -> bool:
    """Return whether a model can be asked while it trains: a decoder of ours."""
    from kernels.models.blocks.decoder import Decoder

    return isinstance(learner.module, Decoder)


def sample(learner: Learner, tokenizer: Any, prompts: Sequence[str], max_new_tokens: int) -> list[str]:
    """Return how a model goes on from each prompt."""
    import torch

    with torch.compiler.set_stance("force_eager"):
        asked_model = LanguageModel(_Asked(learner.module), tokenizer, learner.setting.device)
        return generate(asked_model, list(prompts), max_new_tokens=max_new_tokens, temperature=0.0, seed=0)


class _Asked:
    """A decoder in training, called as loaded models are."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.config: Any = classes()[0](stack=module.shape._asdict())

    def __call__(self, input_ids: Any, attention_mask: Any = None, past_key_values: Any = None, logits_to_keep: Any = 0, **_: Any) -> Answer:
        return asked(self.module, input_ids, attention_mask, past_key_values, logits_to_keep)
