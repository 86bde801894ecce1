"""How Transformers' ``generate`` asks a checkpoint: what its ``generation_config.json`` says."""

import json
import shutil
from pathlib import Path
from typing import Any

from kernels.models.formats.chats import chat_encoder

GENERATION = "generation_config.json"
_ENDS = "eos_token_id"


def ask_as_before(parent: Path, folder: Path) -> None:
    """Have a checkpoint that was made of another asked as that one is: by the same temperature, and no further than the same ends."""
    if (parent / GENERATION).is_file():
        shutil.copyfile(parent / GENERATION, folder / GENERATION)


def end_with_answers(folder: Path, tokenizer: Any) -> None:
    """Have a checkpoint that learned answers be asked no further than an answer goes: the token that ends one is added to those that end a text.

    Without it Transformers goes on behind the end of a turn to questions and answers of its own. A checkpoint without the file, of which
    Transformers generates nothing, stays without.
    """
    path, end = folder / GENERATION, chat_encoder(tokenizer).end_of_answer
    if end is None or not path.is_file():
        return
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    named: int | list[int] | None = told.get(_ENDS)
    ends = named if isinstance(named, list) else [] if named is None else [named]
    if end not in ends:
        told[_ENDS] = [*ends, end]
        path.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")
