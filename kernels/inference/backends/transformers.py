"""Transformers, one sequence after the other with a cache of its own each: what all other ways to read a decoder are held against."""

from typing import TYPE_CHECKING

from kernels.inference.backends.backend import Backend, Room
from kernels.inference.cache.pages import PAGE
from kernels.inference.engine import Engine
from kernels.inference.readers.by_sequence import Causal
from kernels.inference.requests import attention_of_asked
from kernels.models.formats.checkpoints import max_positions

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


def _open(lm: "LanguageModel", weights: str, room: Room) -> Engine:
    if (attention := attention_of_asked(lm)) != "causal":
        raise ValueError(f"{type(lm.model).__name__}: is {attention}, and the back end transformers asks causal decoders alone; ask it by own")
    return Engine(
        Causal(lm.model),
        lambda tokens: lm.tokenizer.decode(tokens, skip_special_tokens=True),
        num_pages=-(-room.most_kept_tokens // PAGE),
        most_tokens=room.most_tokens,
        most_sequences=room.most_sequences,
        max_positions=max_positions(lm.model),
        remembers=False,
    )


SPEC = Backend(name="transformers", why="a reference: slow, and as Transformers computes it", weights=("loaded",), lacking=lambda: None, open=_open)
