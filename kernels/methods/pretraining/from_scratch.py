"""What every method does that trains a model from random weights."""

from pathlib import Path
from typing import Any, cast

from kernels.models.formats.fast import Trainable, fresh
from kernels.specs.architectures import Architecture
from kernels.specs.families import chosen
from kernels.training.execution.seeding import seed_everything


def load_tokenizer(folder: Path) -> Any:
    """Return a tokenizer of the recipe as Transformers' class."""
    from transformers import AutoTokenizer

    return cast(Any, AutoTokenizer).from_pretrained(folder, local_files_only=True)


def fresh_model(config: Any, tokenizer: Any, **more_tokens: int) -> Trainable:
    """Return a model of the architecture that a config chooses, its weights drawn by the config's seed, by which all else is drawn from here on.

    Args:
        config: of a method, with ``architecture`` and ``seed``.
        tokenizer: whose tokens the model reads.
        more_tokens: ids that the architecture asks for beside the end of text and padding.
    """
    seed_everything(config.seed)
    architecture: Architecture = chosen("architectures", config.architecture)
    special = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, **more_tokens}
    return fresh(architecture.build(config.architecture, vocab_size=len(tokenizer), **special), config.seed)


def max_positions(config: Any) -> int | None:
    """Return how many tokens the model of a config may read."""
    return chosen("architectures", config.architecture).max_positions(config.architecture)
