"""The tokenizer of a model, as it is: by it are the texts packed that the model is trained on further, since it knows no other tokens."""

import shutil
from pathlib import Path

from kernels.specs.config import Config
from kernels.specs.tokenizers import TokenizerOfModel
from kernels.tokens.tokenizer_files import FILES, read_tokenizer


class OfModelConfig(Config):
    """A model's own tokenizer, its chat template with it."""


def take(checkpoint: Path, out: Path) -> None:
    """Copy a checkpoint's tokenizer. Raises ValueError: no token is known to end a text."""
    for name in FILES:
        if (checkpoint / name).is_file():
            shutil.copyfile(checkpoint / name, out / name)
    read_tokenizer(out)


SPEC = TokenizerOfModel(name="of_model", version=1, config=OfModelConfig, take=take)
