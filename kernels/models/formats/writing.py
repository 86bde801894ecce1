"""Transformers' files of a model, by its own ``save_pretrained``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_model(model: Any, folder: Path, state: Mapping[str, Any] | None = None) -> None:
    """Write the config, weights and generation config of a Transformers model, which nobody wraps.

    Args:
        model: of Transformers, or of that form.
        folder: that is there.
        state: weights in place of the model's own, by their names.
    """
    from accelerate.utils import other  # pyright: ignore[reportMissingTypeStubs]

    other.is_deepspeed_available = lambda: False  # to look for a wrapper of DeepSpeed's it would be imported, which takes seconds
    model.save_pretrained(folder, state_dict=None if state is None else dict(state))
