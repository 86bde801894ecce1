"""Transformers, one sequence after the other with a cache of its own each: what all other ways to read a decoder are held against."""

from typing import TYPE_CHECKING

from kernels.inference.asked_models import attention_of_asked
from kernels.inference.backends.backend import LOADED, Backend, Manner, Room
from kernels.inference.cache.pages import PAGE
from kernels.inference.engine import Engine
from kernels.inference.engines import engine_by
from kernels.inference.readers.by_sequence import Causal

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


def _open(lm: "LanguageModel", weights: str, room: Room, manner: Manner) -> Engine:
    if (attention := attention_of_asked(lm)) != "causal":
        raise ValueError(f"{type(lm.model).__name__}: is {attention}, and the back end transformers asks causal decoders alone; ask it by own")
    num_pages = -(-room.most_kept_tokens // PAGE)
    return engine_by(lm, Causal(lm.model), num_pages, most_tokens=room.most_tokens, most_sequences=room.most_sequences, **manner._asdict())


SPEC = Backend(name="transformers", why="a reference: slow, and as Transformers computes it", weights=(LOADED,), lacking=lambda: None, open=_open)
