"""Checkpoints: models with their tokenizers in Transformers form, safetensors only.

A folder whose ``config.json`` has the key ``modelmill_quantization`` holds int8 linear layers (int8.py).
"""

import json
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from kernels.models.formats import own, recurrent
from kernels.models.formats.auto_classes import auto_class
from kernels.models.formats.generation import GENERATION
from kernels.models.formats.writing import write_model
from kernels.specs.objectives import Attention
from kernels.tokens.tokenizer_files import usual_template

QUANTIZATION_KEY = "modelmill_quantization"


class LanguageModel(NamedTuple):
    """A model ready to answer, in evaluation mode."""

    model: Any
    tokenizer: Any
    device: str
    answered_by: str = "own"
    """The back end that has it generate, where nobody names another (inference/backends/)."""
    is_invariant: bool = False
    """Whether it is asked so that not one bit of what is said to one request depends on the others."""
    weights_in: Path | None = None
    """The folder that has the weights, where the model is the outline of a checkpoint (`outline`)."""

    @property
    def attention(self) -> Attention:
        """Who may look at whom: text is asked of all but those that are ``bidirectional``, which predict masked tokens."""
        return own.attention_of(self.model)


def max_positions(model: Any) -> int | None:
    """Return how many tokens a loaded model may read, None where nothing bounds it."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None)  # of the stack that reads, where others see images


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a checkpoint: config.json, model.safetensors, generation_config.json, the tokenizer's files and chat_template.jinja.

    The same weights and tokenizer give the same bytes, wherever they were loaded from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_model(model, folder)
    tokenizer.save_pretrained(folder)


def shape_of_folder(folder: Path) -> Any:
    """Return the Transformers config of a checkpoint folder, of Transformers' own kinds or of ours."""
    from transformers import AutoConfig

    own.classes()
    recurrent.register()
    return cast(Any, AutoConfig).from_pretrained(folder, local_files_only=True)


def load(folder: Path, device: str, dtype: Literal["float32", "bfloat16"] = "float32") -> LanguageModel:
    """Return the model of a checkpoint folder, its weights in ``dtype`` whatever they are stored in (int8 layers stay int8).

    Raises:
        FileNotFoundError: a file that a checkpoint has is not there.
        ValueError: the weights do not fit the config: some are lacking, unknown or of another shape.
    """
    import torch
    from transformers.utils import logging

    _require_files(folder, "config.json", "model.safetensors", "tokenizer.json")
    shape = shape_of_folder(folder)
    logging.disable_progress_bar()
    kind = getattr(torch, dtype)
    if QUANTIZATION_KEY in json.loads((folder / "config.json").read_text()):
        from kernels.models.formats.int8 import load_int8

        model = load_int8(shape, folder / "model.safetensors", kind)
    else:
        told: dict[str, Any] = {"local_files_only": True, "use_safetensors": True, "output_loading_info": True}
        model, loading = auto_class(shape).from_pretrained(folder, dtype=kind, **told)
        _require_all(folder, loading)
    return LanguageModel(model.to(device).eval(), _tokenizer(folder), device)


def outline(folder: Path, device: str) -> LanguageModel:
    """Return the model of a checkpoint folder without weights, on torch's meta device: what it is asked for, and by whom (inference/streaming/).

    Raises:
        FileNotFoundError: a file that a checkpoint has is not there.
        ValueError: the model is quantized, so that its weights are not those of its class.
    """
    import torch
    from transformers import GenerationConfig

    _require_files(folder, "config.json", "tokenizer.json")
    shape = shape_of_folder(folder)
    if hasattr(shape, QUANTIZATION_KEY):
        raise ValueError(f"{folder}: an int8 model has layers of its own; ask it whole")
    with torch.device("meta"):
        model = auto_class(shape).from_config(shape)
    if (folder / GENERATION).is_file():
        model.generation_config = cast(Any, GenerationConfig).from_pretrained(folder, local_files_only=True)
    return LanguageModel(model.eval(), _tokenizer(folder), device, weights_in=folder)


def _require_files(folder: Path, *names: str) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name}: a checkpoint has this file; make the model again with mill up")


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    tokenizer = cast(Any, AutoTokenizer).from_pretrained(folder, local_files_only=True)
    if tokenizer.chat_template is None:
        tokenizer.chat_template = usual_template(tokenizer.get_added_vocab())
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _require_all(folder: Path, loading: dict[str, Any]) -> None:
    """Raise ValueError where the model has weights that the file lacks, which Transformers draws at random, or the file some that it passes over."""
    lacking, unknown = sorted(loading["missing_keys"]), sorted(loading["unexpected_keys"])
    if lacking or unknown:
        raise ValueError(f"{folder / 'model.safetensors'}: lacks {lacking[:3]}, holds unknown {unknown[:3]}; make the model again with mill up")


def load_to_train(folder: Path, device: str) -> LanguageModel:
    """Return the model of a checkpoint folder in training mode, its weights in float32.

    Raises:
        FileNotFoundError: see `load`.
        ValueError: see `load`; or the model is quantized, so that most of its weights cannot learn.
    """
    found = load(folder, device)
    if hasattr(found.model.config, QUANTIZATION_KEY):
        raise ValueError(f"{folder}: an int8 model cannot be trained; train the model it was made from, then quantize")
    return found._replace(model=found.model.train())
