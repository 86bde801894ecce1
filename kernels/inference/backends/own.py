"""Our own engine: keys and values in pages, and for rounded weights the CPU's own kernels."""

from typing import TYPE_CHECKING

from kernels.inference.backends.backend import Backend, Room
from kernels.inference.engine import Engine
from kernels.inference.engines import engine_of

if TYPE_CHECKING:
    from kernels.inference.native.packing import Bits
    from kernels.models.formats.checkpoints import LanguageModel

BITS: "dict[str, Bits | None]" = {"loaded": None, "int8": 8, "int4": 4}


def _open(lm: "LanguageModel", weights: str, room: Room) -> Engine:
    return engine_of(lm, most_kept_tokens=room.most_kept_tokens, most_tokens=room.most_tokens, most_sequences=room.most_sequences, bits=BITS[weights])


SPEC = Backend(name="own", why="every kind of model, on a CPU or a GPU", weights=tuple(BITS), lacking=lambda: None, open=_open)
